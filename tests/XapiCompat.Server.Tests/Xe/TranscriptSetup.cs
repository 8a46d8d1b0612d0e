using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>
/// The lines of a transcript that no command stands for:
/// <code>
/// % user name password              who runs the next commands
/// % file name text                  a file of the user; \n is a line end
/// % bytes name 2048 7f              a file of so many equal bytes
/// % same name other                 the two files are equal
/// % image name.iso                  a CD image in the directory {images}, which the server can reach
/// % api VM.set_tags "{ref VM vm}", ["a"]
/// % api name = VM.get_uuid "{r}"    a call; {ref CLASS name} is the reference of that object
/// % set {r} other {"key": "value"}  a field of a record that no call sets, of the object whose reference {r} is
/// % fresh                           the session has a server of its own
/// % fresh 3                         likewise, with so many hosts
/// </code>
/// </summary>
internal sealed partial class TranscriptSetup(XenClient api, XeDialogue dialogue, TranscriptNames names, RecordStore store, string images)
{
    private const int ImageSize = 1 << 16;

    public async Task RunAsync(string text)
    {
        var parts = text.Split(' ', 2);
        var words = TranscriptWords.Split(parts.Length > 1 && parts[0] != "api" ? names.Fill(parts[1]) : "");
        switch (parts[0])
        {
            case "user":
                dialogue.User = words[0];
                dialogue.Password = words[1];
                break;
            case "file":
                dialogue.Files[words[0]] = Encoding.UTF8.GetBytes(names.Fill(parts[1])[(words[0].Length + 1)..].Replace("\\n", "\n", StringComparison.Ordinal));
                break;
            case "bytes":
                var bytes = new byte[int.Parse(words[1], CultureInfo.InvariantCulture)];
                bytes.AsSpan().Fill(byte.Parse(words[2], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                dialogue.Files[words[0]] = bytes;
                break;
            case "same":
                dialogue.Files[words[0]].AsSpan().SequenceEqual(dialogue.Files[words[1]]).Should().BeTrue(text);
                break;
            case "image":
                Directory.CreateDirectory(images);
                await File.WriteAllBytesAsync(Path.Combine(images, words[0]), new byte[ImageSize]);
                names.Set("images", images);
                break;
            case "api":
                await CallAsync(parts[1]);
                break;
            case "set":
                var field = names.Fill(parts[1]).Split(' ', 3);
                store.Commit(unit => unit.Set(field[0], field[1], Value(JsonNode.Parse(field[2])!)));
                break;
            case "fresh":
                break;
            default:
                throw new FormatException("nothing is prepared by " + parts[0]);
        }
    }

    private static XenValue Value(JsonNode json) => json switch
    {
        JsonObject map => XenStruct.Of([.. map.Select(m => (m.Key, Value(m.Value!)))]),
        JsonArray set => new XenArray([.. set.Select(i => Value(i!))]),
        _ => json.GetValueKind() switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.Number => json.GetValue<long>(),
            _ => json.GetValue<string>(),
        },
    };

    private async Task CallAsync(string text)
    {
        var call = Call().Match(text);
        var arguments = call.Groups["arguments"].Value;
        foreach (Match reference in Reference().Matches(arguments))
        {
            var found = await api.TextAsync(reference.Groups["class"].Value + ".get_by_uuid", names.Get(reference.Groups["name"].Value));
            arguments = arguments.Replace(reference.Value, found, StringComparison.Ordinal);
        }

        var values = JsonNode.Parse("[" + names.Fill(arguments) + "]")!.AsArray();
        var result = await api.CallAsync(call.Groups["message"].Value, [.. values.Select(v => v!.DeepClone())]);
        if (call.Groups["name"].Value is { Length: > 0 } name)
            names.Set(name, result.ToString());
    }

    [GeneratedRegex("^(?:(?<name>[a-z][a-z0-9-]*) = )?(?<message>[A-Za-z_]+\\.[A-Za-z_]+) ?(?<arguments>.*)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Call();

    [GeneratedRegex("\\{ref (?<class>[A-Za-z_]+) (?<name>[a-z][a-z0-9-]*)\\}", RegexOptions.ExplicitCapture)]
    private static partial Regex Reference();
}
