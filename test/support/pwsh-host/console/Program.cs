using System;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Management.Automation.Runspaces;
using System.Text;

/// <summary>
/// A console over PowerShell's own engine, as far as a session needs one: it reads commands from standard input, runs each as
/// soon as it is complete, and prints what comes out. Language, parser and binder are PowerShell's; Windows' cmdlets are not there.
/// </summary>
internal static class Program
{
    private static readonly UTF8Encoding Utf8 = new(false);

    private static int Main(string[] arguments)
    {
        var checks = arguments.Length >= 2 && arguments[0] == "--check";
        if (!checks && (arguments.Length < 2 || arguments[^2] != "-Command" || arguments[^1] != "-"))
        {
            Console.Error.WriteLine("pwsh-host: only \"-Command -\" and \"--check FILE...\" are known here.");
            return 64;
        }
        var state = InitialSessionState.CreateDefault2();
        state.Commands.Add(new SessionStateCmdletEntry("ConvertTo-Json", typeof(ConvertToJsonCommand), null));
        state.Commands.Add(new SessionStateCmdletEntry("ConvertTo-SecureString", typeof(ConvertToSecureStringCommand), null));
        state.Commands.Add(new SessionStateCmdletEntry("ConvertFrom-SecureString", typeof(ConvertFromSecureStringCommand), null));
        using var runspace = RunspaceFactory.CreateRunspace(state);
        runspace.Open();
        ImportModules(runspace);
        if (Environment.GetEnvironmentVariable("PWSH_HOST_LANGUAGE_MODE") is { } mode)
            runspace.SessionStateProxy.LanguageMode = Enum.Parse<PSLanguageMode>(mode);
        using var input = new StreamReader(Console.OpenStandardInput(), Utf8);
        using var output = new StreamWriter(Console.OpenStandardOutput(), Utf8) { AutoFlush = true };
        if (checks)
            foreach (var path in arguments.Skip(1))
                Check.Print(runspace, path, output);
        else
            Serve(runspace, input, output);
        return 0;
    }

    /// <summary>Before the language is restricted: what Windows brings along is trusted there as well.</summary>
    private static void ImportModules(Runspace runspace)
    {
        using var shell = PowerShell.Create();
        shell.Runspace = runspace;
        var paths = Environment.GetEnvironmentVariable("PWSH_HOST_MODULES")?.Split(Path.PathSeparator) ?? [];
        foreach (var path in paths)
            shell.AddStatement().AddCommand("Import-Module").AddParameter("Name", path).AddParameter("ErrorAction", "Stop");
        if (paths.Length > 0)
            shell.Invoke();
    }

    /// <summary>A line that does not parse to its end opens a block, which an empty line closes, as in the real console.</summary>
    private static void Serve(Runspace runspace, TextReader input, TextWriter output)
    {
        var block = new StringBuilder();
        while (input.ReadLine() is { } line)
        {
            block.Append(line).Append('\n');
            Parser.ParseInput(block.ToString(), out _, out var errors);
            if (line.Length > 0 && errors.Any(error => error.IncompleteInput))
                continue;
            Run(runspace, block.ToString(), output);
            block.Clear();
        }
    }

    private static void Run(Runspace runspace, string script, TextWriter output)
    {
        using var shell = PowerShell.Create();
        shell.Runspace = runspace;
        shell.AddScript(script);
        try
        {
            foreach (var item in shell.Invoke())
                output.WriteLine(item);
        }
        catch (RuntimeException error)
        {
            Console.Error.WriteLine(error.Message);
        }
        foreach (var error in shell.Streams.Error)
            Console.Error.WriteLine(error);
    }
}
