using XapiCompat.Wire.XeCli;
using XapiCompat.Xe.Connections;
using XapiCompat.Xe.Options;
using XapiCompat.Xe.Transfers;

namespace XapiCompat.Xe.Dialogue;

/// <summary>Asks for one command and does what the server says until it says Exit.</summary>
internal sealed class Conversation(Connection connection, Connector connector, XeOptions options, Surroundings surroundings, Terminal terminal, Trace trace)
{
    private readonly ControlChannel _channel = new(connection);
    private readonly PermittedFiles _files = new(options.Arguments, surroundings.WorkingDirectory);
    private bool _heartbeats;

    /// <summary>The exit status that the server gave.</summary>
    /// <exception cref="XeFailure">The conversation ended in another way.</exception>
    public int Run()
    {
        _channel.SendRaw(CommandRequest.Bytes(options));
        try
        {
            Greet();
            while (true)
            {
                if (!_channel.HasMessage)
                    terminal.Flush();
                var message = _channel.Read();
                if (trace.On)
                    trace.Line($"Read: {message}");
                if (message is XeMessage.Exit(var code))
                    return code;
                if (Do(message) is { } ended)
                    return ended;
            }
        }
        catch (XeFrameException error)
        {
            throw Wording(error);
        }
    }

    private void Greet()
    {
        var greeting = _channel.ReadGreeting() ?? throw XeFailure.NoContact();
        var ours = XeGreeting.Current;
        var versions = $"Server has protocol version {greeting.Major}.{greeting.Minor}. Client has {ours.Major}.{ours.Minor}";
        trace.Line(versions);
        if (greeting.Major != ours.Major)
            throw new XeFailure($"Protocol version mismatch: {versions}.\nIs that the right server and port?\n", withUsage: true);
        _heartbeats = greeting.Minor >= XeGreeting.MinorWithWait;
        _channel.SendGreeting();
    }

    /// <summary>Does what one message asks for; a number is the end of the run.</summary>
    private int? Do(XeMessage message)
    {
        switch (message)
        {
            case XeMessage.Print(var text):
                terminal.Print(text);
                return null;
            case XeMessage.PrintStderr(var text):
                terminal.Complain(text);
                return null;
            case XeMessage.Debug(var text):
                trace.Line($"Debug: {text}");
                return null;
            case XeMessage.Error(var code, var parameters):
                terminal.Complain($"Error code: {code}\nError parameters: {string.Join(", ", parameters)}\n");
                return null;
            case XeMessage.Prompt:
                var line = terminal.ReadLine() ?? throw XeFailure.LostConnection();
                _channel.Send(new XeMessage.Chunk(line.Length));
                _channel.SendRaw(line);
                _channel.Send(new XeMessage.End());
                return null;
            case XeMessage.Load(var name):
                FileSender.Send(_channel, _files.Check(name), name);
                return null;
            case XeMessage.HttpGet(var name, var url):
                var target = name.Length == 0 ? null : _files.Check(name);
                return Transfer(ServerUrl.Of(url, options), server => Download.Run(connector, server, target, name, terminal, trace));
            case XeMessage.HttpPut(var name, var url):
                var source = _files.Check(name);
                return Transfer(ServerUrl.Of(url, options), server => Upload.Run(connector, server, source, name, trace));
            case XeMessage.HttpConnect(var url):
                return Transfer(ServerUrl.Of(url, options), server => Relay.Run(connector, server, surroundings, terminal));
            default:
                throw new XeFailure($"Unexpected message from server: {message}\n");
        }
    }

    /// <summary>Runs a transfer and tells the server how it went; what only the client can know about a failure ends the run.</summary>
    private int? Transfer(ServerUrl url, Action<ServerUrl> run)
    {
        try
        {
            using (new Heartbeat(_channel, _heartbeats ? surroundings.Heartbeat : Timeout.InfiniteTimeSpan))
                Redirects.Follow(url, options, run);
            _channel.Send(new XeMessage.Ok());
            return null;
        }
        catch (LocalFailure failure)
        {
            _channel.Send(new XeMessage.Failed());
            terminal.Complain($"Operation failed. Error: {failure.Message}\n");
            return 1;
        }
        catch (Exception error) when (error is IOException or TransferFailure or XeFailure)
        {
            // The server knows best what went wrong, and says it next.
            trace.Line($"The transfer failed: {error.Message.TrimEnd()}");
            _channel.Send(new XeMessage.Failed());
            return null;
        }
    }

    private static XeFailure Wording(XeFrameException error) => error.Error switch
    {
        XeFrameError.HttpAnswer => new("Server internal error.\n"),
        XeFrameError.NoGreeting => new("Failed to contact a running management agent.\nIs that the right server and port?\n", withUsage: true),
        XeFrameError.Truncated => XeFailure.LostConnection(),
        _ => new($"Error: the server does not keep to the protocol: {error.Message}\n"),
    };
}
