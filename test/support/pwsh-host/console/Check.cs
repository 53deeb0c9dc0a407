using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation.Language;
using System.Management.Automation.Runspaces;
using System.Text.RegularExpressions;
using Newtonsoft.Json;

/// <summary>
/// What the engine's own parser and static binder know of a script, as one line of JSON for each file. Nothing of it is run.
/// Judging is for the caller.
/// </summary>
internal static class Check
{
    /// <summary>Syntax that Windows PowerShell 5.1 does not have; the engine here takes it.</summary>
    private static readonly HashSet<TokenKind> Newer =
    [
        TokenKind.QuestionQuestion,
        TokenKind.QuestionQuestionEquals,
        TokenKind.QuestionDot,
        TokenKind.QuestionLBracket,
        TokenKind.AndAnd,
        TokenKind.OrOr,
        TokenKind.Clean,
    ];

    /// <summary>Variables that it does not set; reading them fails in strict mode.</summary>
    private static readonly HashSet<string> NewerVariables =
        new(StringComparer.OrdinalIgnoreCase) { "IsWindows", "IsLinux", "IsMacOS", "IsCoreCLR", "PSStyle" };

    /// <summary>Binary numbers, and suffixes other than l and d.</summary>
    private static readonly Regex NewerNumber = new(@"^[+-]?0b|^[+-]?\d+(y|uy|s|us|u|ul|n)([kmgtp]b)?$", RegexOptions.IgnoreCase);

    /// <summary>Encodings' names that only PowerShell 6 and later take.</summary>
    private static readonly HashSet<string> NewerEncodings =
        new(StringComparer.OrdinalIgnoreCase) { "ansi", "utf8BOM", "utf8NoBOM" };

    public static void Print(Runspace runspace, string path, TextWriter output)
    {
        Runspace.DefaultRunspace = runspace;
        var script = Parser.ParseFile(Path.GetFullPath(path), out var tokens, out var errors);
        var bytes = File.ReadAllBytes(path);
        var newer = tokens
            .Where(token => Newer.Contains(token.Kind))
            .Select(token => At(token.Extent, token.Text))
            .Concat(All<TernaryExpressionAst>(script).Select(each => At(each.Extent, "?:")))
            .Concat(All<PipelineAst>(script).Where(each => each.Background).Select(each => At(each.Extent, "&")))
            .Concat(All<VariableExpressionAst>(script).Where(each => NewerVariables.Contains(each.VariablePath.UserPath)).Select(each => At(each.Extent, each.Extent.Text)))
            .Concat(All<CommandAst>(script).SelectMany(Encodings).Where(each => NewerEncodings.Contains(each.Value)).Select(each => At(each.Extent, $"-Encoding {each.Value}")))
            .Concat(tokens.OfType<NumberToken>().Where(each => NewerNumber.IsMatch(each.Text)).Select(each => At(each.Extent, each.Text)))
            .Concat(tokens.OfType<StringExpandableToken>().Where(each => each.Text.Contains("`u{")).Select(each => At(each.Extent, "`u{}")));
        var functions = All<FunctionDefinitionAst>(script)
            .Select(each => new { each.Name, Line = each.Extent.StartLineNumber, Parameters = Names(each.Body.ParamBlock), Help = HelpOf(each.GetHelpContent(), Names(each.Body.ParamBlock)) });
        var report = new
        {
            Errors = errors.Select(error => At(error.Extent, $"{error.ErrorId}: {error.Message}")),
            IsAscii = bytes.All(each => each < 128),
            Newer = newer,
            Types = TypesOf(script),
            Help = HelpOf(script.GetHelpContent(), Names(script.ParamBlock)),
            Functions = functions,
            Commands = All<CommandAst>(script).Select(CommandOf),
        };
        output.WriteLine(JsonConvert.SerializeObject(report));
    }

    private static object At(IScriptExtent extent, string text) => new { Line = extent.StartLineNumber, Text = text };

    private static IEnumerable<T> All<T>(Ast ast)
        where T : Ast => ast.FindAll(each => each is T, true).Cast<T>();

    /// <summary>Values of -Encoding that stand in the text.</summary>
    private static IEnumerable<StringConstantExpressionAst> Encodings(CommandAst command)
    {
        for (var at = 1; at < command.CommandElements.Count; at++)
            if (command.CommandElements[at] is CommandParameterAst { ParameterName: var name } parameter && name.Equals("Encoding", StringComparison.OrdinalIgnoreCase))
                if ((parameter.Argument ?? command.CommandElements.ElementAtOrDefault(at + 1)) is StringConstantExpressionAst value)
                    yield return value;
    }

    private static IEnumerable<object> TypesOf(Ast script) =>
        All<TypeExpressionAst>(script).Select(each => At(each.Extent, each.TypeName.FullName))
            .Concat(All<TypeConstraintAst>(script).Select(each => At(each.Extent, each.TypeName.FullName)));

    private static IEnumerable<string> Names(ParamBlockAst block) =>
        block?.Parameters.Select(each => each.Name.VariablePath.UserPath) ?? [];

    /// <summary>What the help lacks; null when there is none at all.</summary>
    private static string[] HelpOf(CommentHelpInfo help, IEnumerable<string> parameters)
    {
        if (help?.Synopsis is not { Length: > 0 })
            return null;
        // The engine writes their names in capitals.
        return parameters.Where(name => !help.Parameters.ContainsKey(name.ToUpperInvariant())).ToArray();
    }

    private static object CommandOf(CommandAst command) =>
        new
        {
            Name = command.GetCommandName() ?? "",
            Line = command.Extent.StartLineNumber,
            Parameters = command.CommandElements.OfType<CommandParameterAst>().Select(each => each.ParameterName),
            Positionals = Positionals(command),
            Binding = BindingErrors(command),
        };

    /// <summary>Arguments without a name before them; a value that follows a switch cannot be told from them here.</summary>
    private static int Positionals(CommandAst command)
    {
        var count = 0;
        for (var at = 1; at < command.CommandElements.Count; at++)
            if (command.CommandElements[at] is not (CommandParameterAst or VariableExpressionAst { Splatted: true }) && command.CommandElements[at - 1] is not CommandParameterAst { Argument: null })
                count++;
        return count;
    }

    /// <summary>For commands that the engine knows: its own, those of the stubs, and the script's functions.</summary>
    private static string[] BindingErrors(CommandAst command)
    {
        try
        {
            var bound = StaticParameterBinder.BindCommand(command, true);
            return bound.BindingExceptions.Select(each => $"{each.Value.BindingException.ErrorId} {each.Key}").ToArray();
        }
        catch (InvalidOperationException)
        {
            return [];
        }
    }
}
