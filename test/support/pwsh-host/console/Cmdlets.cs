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

/// <summary>
/// The part of Microsoft.PowerShell.Security's ConvertTo-SecureString that takes text encrypted with a key: the envelope is taken
/// apart here, what is in it is decrypted by the engine's own code.
/// </summary>
[Cmdlet(VerbsData.ConvertTo, "SecureString")]
public sealed class ConvertToSecureStringCommand : PSCmdlet
{
    private const string Header = "76492d1116743f0423413b16050a5345";

    [Parameter(Mandatory = true)]
    public string String { get; set; }

    [Parameter(Mandatory = true)]
    public byte[] Key { get; set; }

    protected override void ProcessRecord()
    {
        if (!String.StartsWith(Header, StringComparison.Ordinal))
            throw new PSArgumentException("Not encrypted with a key.", nameof(String));
        var envelope = Encoding.Unicode.GetString(Convert.FromBase64String(String[Header.Length..])).Split('|');
        var helper = typeof(PSObject).Assembly.GetType("Microsoft.PowerShell.SecureStringHelper", true);
        var decrypt = helper.GetMethod(
            "Decrypt",
            BindingFlags.NonPublic | BindingFlags.Static,
            [typeof(string), typeof(byte[]), typeof(byte[])]
        );
        WriteObject((SecureString)decrypt.Invoke(null, [envelope[2], Key, Convert.FromBase64String(envelope[1])]));
    }
}
