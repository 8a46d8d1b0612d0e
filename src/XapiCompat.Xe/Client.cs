using XapiCompat.Wire.XeCli;
using XapiCompat.Xe.Connections;
using XapiCompat.Xe.Dialogue;
using XapiCompat.Xe.Options;

namespace XapiCompat.Xe;

/// <summary>One run of xe, from arguments to exit status.</summary>
internal static class Client
{
    private const int Failed = 1;

    public static int Run(string[] arguments, Surroundings surroundings)
    {
        var terminal = new Terminal(surroundings);
        var trace = new Trace(terminal);
        var code = Failed;
        try
        {
            code = Run(arguments, surroundings, terminal, trace);
            terminal.Flush();
        }
        catch (XeFailure failure)
        {
            code = Failed;
            Report(terminal, failure.Message, failure.WithUsage);
        }
        catch (OutputException)
        {
            // Nobody reads standard output any more, as in "xe vm-list | head"; there is nobody to tell.
            code = Failed;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            code = Failed;
            Report(terminal, $"Error: {failure.Message}\n", false);
        }

        trace.End(code);
        return code;
    }

    private static int Run(string[] arguments, Surroundings surroundings, Terminal terminal, Trace trace)
    {
        if (arguments.Contains("-version"))
        {
            terminal.Print($"ThinCLI protocol: {XeGreeting.Current.Major}.{XeGreeting.Current.Minor}");
            return 0;
        }

        var options = OptionsReader.Read(arguments, surroundings, terminal);
        if (options.Help || options.Arguments.Count == 0)
        {
            terminal.Complain(Usage.Text);
            return 0;
        }

        trace.Begin(options.Debug, options.DebugOnFail);
        if (!options.Verify && surroundings.OwnsProcess)
            SystemCertificates.Ignore();
        var connector = new Connector(options, surroundings, trace);
        using var connection = connector.OpenControl();
        return new Conversation(connection, connector, options, surroundings, terminal, trace).Run();
    }

    private static void Report(Terminal terminal, string text, bool withUsage)
    {
        try
        {
            terminal.Flush();
        }
        catch (OutputException)
        {
        }

        terminal.Complain(withUsage ? text + Usage.Text : text);
    }
}
