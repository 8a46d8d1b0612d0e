using System.Collections.Frozen;
using System.Reflection;
using System.Text.Json;
using XapiCompat.Core.Services;
using XapiCompat.Datamodel;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Dispatch;

/// <summary>Why a message has no effect here, and what it answers.</summary>
/// <param name="Error">Code and parameters; <c>$name</c> stands for the text of the argument with that name.</param>
/// <param name="Reason">One line for the coverage page.</param>
public sealed record Refusal(IReadOnlyList<string> Error, string Reason);

/// <summary>
/// Messages that are refused by decision, as data (<c>refusals.json</c>): features that this server does not have answer
/// what a host without that feature answers.
/// </summary>
public sealed class Refusals
{
    private readonly FrozenDictionary<MessageDef, Refusal> _all;

    private Refusals(Dictionary<MessageDef, Refusal> all) => _all = all.ToFrozenDictionary();

    public IEnumerable<KeyValuePair<MessageDef, Refusal>> All => _all;

    public Refusal? Find(MessageDef message) => _all.GetValueOrDefault(message);

    /// <summary>Reads the list and compares it with the datamodel; throws with all mismatches.</summary>
    public static Refusals Load(Model model)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("refusals.json")!;
        using var document = JsonDocument.Parse(stream);
        var all = new Dictionary<MessageDef, Refusal>();
        var mismatches = new List<string>();
        foreach (var entry in document.RootElement.EnumerateObject())
        {
            var refusal = new Refusal(
                [.. entry.Value.GetProperty("error").EnumerateArray().Select(e => e.GetString()!)],
                entry.Value.GetProperty("reason").GetString()!);
            if (model.FindMessage(entry.Name) is not { Kind: MessageKind.Explicit } message)
                mismatches.Add(entry.Name + ": no such explicit message");
            else if (refusal.Error.Skip(1).Where(p => p.StartsWith('$')).FirstOrDefault(p => message.Parameters.All(m => m.Name != p[1..])) is { } unknown)
                mismatches.Add(entry.Name + ": no parameter " + unknown);
            else
                all.Add(message, refusal);
        }

        return mismatches.Count == 0 ? new(all) : throw new InvalidOperationException("refusals do not fit the datamodel:\n" + string.Join('\n', mismatches));
    }

    /// <summary>The error of a refused call. References are looked at first, as where the feature exists.</summary>
    public static XenException Answer(IRecords records, MessageDef message, Refusal refusal, IReadOnlyList<XenValue> arguments)
    {
        for (var i = 0; i < message.Parameters.Count; i++)
        {
            if (message.Parameters[i].Type is RefType reference && new Ref(arguments[i].ToString()!) is { IsNull: false } given)
                records.Get(reference.Class, given);
        }

        return new(refusal.Error[0], [.. refusal.Error.Skip(1).Select(text => text.StartsWith('$') ? Argument(message, arguments, text[1..]) : text)]);
    }

    private static string Argument(MessageDef message, IReadOnlyList<XenValue> arguments, string name)
    {
        var index = message.Parameters.ToList().FindIndex(p => p.Name == name);
        return arguments[index].ToString()!;
    }
}
