using System.Diagnostics;
using System.Text;
using FluentAssertions;
using Xunit;
using XapiCompat.Wire.XeCli;
using XapiCompat.Xe.Tests.Support;
using XapiCompat.Testing;

namespace XapiCompat.Xe.Tests;

/// <summary>The executable itself, as a shell uses it.</summary>
public sealed class ProcessTests : IDisposable
{
    private readonly ScriptedServer _server = new();
    private readonly TempDirectory _directory = new();

    public void Dispose()
    {
        _server.Dispose();
        _directory.Dispose();
    }

    [SkippableFact]
    public async Task Standard_streams_may_be_one_file_that_others_write_too()
    {
        var shell = Shell("(echo before; $XE x; echo after) >all 2>&1; echo $?", peer =>
            peer.Send(new XeMessage.Print("out"), new XeMessage.PrintStderr("err\n"), new XeMessage.Print("more"), new XeMessage.Exit(0)));
        (await shell).Should().Be("0\n");
        File.ReadAllText(_directory.File("all")).Should().Be("before\nout\nerr\nmore\nafter\n");
    }

    [SkippableFact]
    public async Task The_exit_status_reaches_the_shell() =>
        (await Shell("$XE x; echo $?", peer => peer.Send(new XeMessage.Exit(42)))).Should().Be("42\n");

    [SkippableFact]
    public async Task Answers_come_from_a_pipe()
    {
        (await Shell("printf 'no\\nyes\\n' | $XE x; echo $?", peer =>
        {
            foreach (var answer in new[] { "no", "yes" })
            {
                peer.Send(new XeMessage.Prompt());
                peer.Read().Should().Be(new XeMessage.Chunk(answer.Length));
                Encoding.UTF8.GetString(peer.ReadBytes(answer.Length)).Should().Be(answer);
                peer.Read().Should().Be(new XeMessage.End());
            }

            peer.Send(new XeMessage.Exit(0));
        })).Should().Be("0\n");
    }

    [SkippableFact]
    public async Task A_reader_that_goes_away_is_no_message()
    {
        (await Shell("$XE x 2>errors | head -c 3; echo; cat errors", peer =>
        {
            for (var i = 0; i < 50; i++)
                peer.Send(new XeMessage.Print(new string('x', 100_000)));
            peer.Send(new XeMessage.Exit(0));
        })).Should().Be("xxx\n");
    }

    [SkippableFact]
    public async Task A_substituted_process_is_a_file_without_a_length()
    {
        (await Shell("$XE x filename=<(printf abc); echo $?", peer =>
        {
            peer.Send(new XeMessage.HttpPut(_named!, "/put"));
            using (var http = _server.Accept())
            {
                http.ReadRequest().Should().Be("PUT /put HTTP/1.0\r\n\r\n");
                http.Send("HTTP/1.1 200 OK\r\n\r\n");
                http.ReadToEnd().Should().Equal("abc"u8.ToArray());
            }

            peer.Read().Should().Be(new XeMessage.Ok());
            peer.Send(new XeMessage.Exit(0));
        })).Should().Be("0\n");
    }

    private string? _named;

    /// <summary>What a script prints in which $XE is the executable with its port; the server plays beside it.</summary>
    private async Task<string> Shell(string script, Action<Peer> play)
    {
        var bash = RequiredTool.Find("bash");
        var start = new ProcessStartInfo(bash, ["-c", script]) { RedirectStandardOutput = true, WorkingDirectory = _directory.Path };
        start.Environment["XE"] = $"dotnet {Path.Combine(AppContext.BaseDirectory, "xe.dll")} -p {_server.Port}";
        start.Environment["HOME"] = _directory.Path;
        start.Environment.Remove("XE_EXTRA_ARGS");
        using var process = Process.Start(start)!;
        var printed = process.StandardOutput.ReadToEndAsync();
        var server = Task.Factory.StartNew(() => Play(play), default, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await server.WaitAsync(TimeSpan.FromSeconds(120));
        return await printed.WaitAsync(TimeSpan.FromSeconds(120));
    }

    private void Play(Action<Peer> play)
    {
        using var peer = _server.AcceptGreeted(out var request);
        _named = request.Split('\n').FirstOrDefault(line => line.StartsWith("filename=", StringComparison.Ordinal))?["filename=".Length..];
        try
        {
            play(peer);
        }
        catch (IOException)
        {
            // The client may go first; what it did shows in what it printed.
        }
    }
}
