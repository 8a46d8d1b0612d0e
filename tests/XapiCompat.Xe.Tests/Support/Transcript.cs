using System.Globalization;
using System.Text;
using FluentAssertions;

namespace XapiCompat.Xe.Tests.Support;

/// <summary>
/// A run of xe as a text file: the command line, what each side sends byte for byte, and how it ends. Lines:
/// <c>$ xe ARGUMENTS</c>, <c>env NAME=VALUE</c>, <c>file NAME BYTES</c>, <c>stdin BYTES</c> before the first connection;
/// <c>NAME&lt; BYTES</c> from xe, <c>NAME&gt; BYTES</c> to xe, <c>NAME.</c> the server closes, <c>NAME$</c> xe has closed;
/// <c>exit N</c>, <c>stdout BYTES</c>, <c>stderr BYTES</c>, <c>saved NAME BYTES</c>. BYTES are hex and "text" with \r \n \0 \". A
/// connection is accepted where its name first stands.
/// </summary>
internal sealed class Transcript(string path)
{
    private readonly List<string> _lines = [.. File.ReadAllLines(path).Where(line => line.Length > 0 && line[0] != '#')];

    public async Task Play()
    {
        using var server = new ScriptedServer();
        using var xe = new XeProcess();
        var arguments = Prepare(xe, server.Port);
        var code = await xe.Run(arguments, () => Converse(server));
        var expected = _lines.Where(line => line.StartsWith("saved ", StringComparison.Ordinal)).Select(line => line.Split(' ', 3)).ToList();
        foreach (var saved in expected)
            Text(File.ReadAllBytes(xe.File_(saved[1]))).Should().Be(Text(Bytes(saved[2])), saved[1]);
        Text(xe.OutputBytes).Should().Be(Text(Bytes(All("stdout "))), "that is standard output");
        xe.Error.Should().Be(Encoding.UTF8.GetString(Bytes(All("stderr "))));
        code.ToString(CultureInfo.InvariantCulture).Should().Be(All("exit ").Trim());
    }

    private string[] Prepare(XeProcess xe, int port)
    {
        string[] arguments = [];
        foreach (var line in _lines)
        {
            var words = line.Split(' ', 3);
            switch (words[0])
            {
                case "$":
                    arguments = [.. words[2].Split(' '), "-p", $"{port}"];
                    break;
                case "env":
                    var pair = line[4..].Split('=', 2);
                    xe.Variables[pair[0]] = pair[1];
                    break;
                case "file":
                    File.WriteAllBytes(xe.File_(words[1]), Bytes(words[2]));
                    break;
                case "stdin":
                    xe.Input = new MemoryStream(Bytes(line[6..]));
                    break;
            }
        }

        return arguments;
    }

    private void Converse(ScriptedServer server)
    {
        var peers = new Dictionary<string, Peer>();
        try
        {
            foreach (var line in _lines)
            {
                var end = line.AsSpan().IndexOfAny("<>.$");
                if (end <= 0 || line.AsSpan(0, end).Contains(' '))
                    continue;
                var name = line[..end];
                if (!peers.TryGetValue(name, out var peer))
                    peers[name] = peer = server.Accept();
                Step(peer, line[end], Bytes(line[(end + 1)..]), line);
            }
        }
        finally
        {
            foreach (var peer in peers.Values)
                peer.Dispose();
        }
    }

    private static void Step(Peer peer, char step, byte[] bytes, string line)
    {
        switch (step)
        {
            case '<':
                Text(peer.ReadBytes(bytes.Length)).Should().Be(Text(bytes), line);
                break;
            case '>':
                peer.Send(bytes);
                break;
            case '.':
                peer.Dispose();
                break;
            default:
                peer.ReadToEnd().Should().BeEmpty(line);
                break;
        }
    }

    private string All(string word) => string.Concat(_lines.Where(line => line.StartsWith(word, StringComparison.Ordinal)).Select(line => line[word.Length..] + " "));

    private static string Text(byte[] bytes) => Encoding.Latin1.GetString(bytes);

    private static byte[] Bytes(string text)
    {
        var bytes = new List<byte>();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == ' ')
                continue;
            if (text[i] != '"')
            {
                bytes.Add(Convert.ToByte(text.Substring(i++, 2), 16));
                continue;
            }

            for (i++; text[i] != '"'; i++)
            {
                var c = text[i] != '\\' ? text[i] : text[++i] switch { 'r' => '\r', 'n' => '\n', '0' => '\0', var other => other };
                bytes.AddRange(Encoding.UTF8.GetBytes([c]));
            }
        }

        return [.. bytes];
    }
}
