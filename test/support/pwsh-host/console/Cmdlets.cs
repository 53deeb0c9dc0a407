using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Internal;
using System.Reflection;
using System.Security;
using System.Text;
using Newtonsoft.Json;

/// <summary>The part of Microsoft.PowerShell.Utility's ConvertTo-Json that a session uses.</summary>
[Cmdlet(VerbsData.ConvertTo, "Json")]
public sealed class ConvertToJsonCommand : PSCmdlet
{
    [Parameter(Mandatory = true, ValueFromPipeline = true)]
    [AllowNull]
    public object InputObject { get; set; }

    [Parameter]
    public SwitchParameter Compress { get; set; }

    [Parameter]
    public int Depth { get; set; } = 2;

    protected override void ProcessRecord() => WriteObject(JsonConvert.SerializeObject(Plain(InputObject)));

    private static object Plain(object value) =>
        value switch
        {
            null => null,
            _ when value == AutomationNull.Value => null,
            PSObject { BaseObject: PSCustomObject } custom => custom.Properties.ToDictionary(p => p.Name, p => Plain(p.Value)),
            PSObject wrapped => Plain(wrapped.BaseObject),
            string text => text,
            IDictionary table => table.Keys.Cast<object>().ToDictionary(key => key.ToString(), key => Plain(table[key])),
            IEnumerable list => new List<object>(list.Cast<object>().Select(Plain)),
            _ => value,
        };
}

/// <summary>How ConvertFrom-SecureString writes text that is encrypted with a key; encrypted by the engine's own code.</summary>
internal static class Envelope
{
    internal const string Header = "76492d1116743f0423413b16050a5345";

    internal static object Invoke(string method, params object[] arguments)
    {
        var helper = typeof(PSObject).Assembly.GetType("Microsoft.PowerShell.SecureStringHelper", true);
        var types = arguments.Select(each => each.GetType()).ToArray();
        return helper.GetMethod(method, BindingFlags.NonPublic | BindingFlags.Static, types).Invoke(null, arguments);
    }
}

/// <summary>
/// The part of Microsoft.PowerShell.Security's ConvertTo-SecureString that takes text encrypted with a key: the envelope is taken
/// apart here.
/// </summary>
[Cmdlet(VerbsData.ConvertTo, "SecureString")]
public sealed class ConvertToSecureStringCommand : PSCmdlet
{
    [Parameter(Mandatory = true)]
    public string String { get; set; }

    [Parameter(Mandatory = true)]
    public SecureString SecureKey { get; set; }

    protected override void ProcessRecord()
    {
        if (!String.StartsWith(Envelope.Header, StringComparison.Ordinal))
            throw new PSArgumentException("Not encrypted with a key.", nameof(String));
        var envelope = Encoding.Unicode.GetString(Convert.FromBase64String(String[Envelope.Header.Length..])).Split('|');
        WriteObject(Envelope.Invoke("Decrypt", envelope[2], SecureKey, Convert.FromBase64String(envelope[1])));
    }
}

/// <summary>The part of Microsoft.PowerShell.Security's ConvertFrom-SecureString that encrypts with a key.</summary>
[Cmdlet(VerbsData.ConvertFrom, "SecureString")]
public sealed class ConvertFromSecureStringCommand : PSCmdlet
{
    [Parameter(Mandatory = true)]
    public SecureString SecureString { get; set; }

    [Parameter(Mandatory = true)]
    public SecureString SecureKey { get; set; }

    protected override void ProcessRecord()
    {
        var encrypted = Envelope.Invoke("Encrypt", SecureString, SecureKey);
        var part = (string name) =>
            (string)encrypted.GetType().GetProperty(name, BindingFlags.NonPublic | BindingFlags.Instance).GetValue(encrypted);
        var envelope = $"2|{part("IV")}|{part("EncryptedData")}";
        WriteObject(Envelope.Header + Convert.ToBase64String(Encoding.Unicode.GetBytes(envelope)));
    }
}
