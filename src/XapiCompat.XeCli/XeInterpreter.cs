using XapiCompat.Values;
using XapiCompat.XeCli.Api;
using XapiCompat.XeCli.Arguments;
using XapiCompat.XeCli.Errors;
using XapiCompat.XeCli.Generated;
using XapiCompat.XeCli.Help;
using XapiCompat.XeCli.Output;
using XapiCompat.XeCli.Records;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli;

/// <summary>Runs command lines: what is wrong is reported in the order that scripts rely on, and a session that was made is ended.</summary>
/// <param name="onUnexpected">Told of failures that nobody foresaw, with the command.</param>
public sealed class XeInterpreter(XeCommandTable commands, TimeProvider time, Action<string, Exception>? onUnexpected = null)
{
    private const string ApiVersion = "2.21";

    private readonly XeTables _tables = commands.Tables;

    /// <summary>Runs one command to its end and returns the status for the client to exit with. Throws only for a client that has gone.</summary>
    /// <param name="cancellation">The client is gone or the server stops.</param>
    public async Task<int> RunAsync(XeRequest request, IXeTerminal terminal, CancellationToken cancellation)
    {
        var (session, arguments) = CommandLine.Split(request.Body);
        var trace = false;
        try
        {
            var line = CommandLine.Parse(arguments);
            trace = line.Parameters.Find("trace") is { } asked && XeUnits.Flag("trace", asked);
            XePrinter printer = line.Parameters.Flag("minimal") ? new MinimalPrinter(terminal) : new FullPrinter(terminal);
            if (line.Command == "help")
                await HelpCommand.RunAsync(_tables, line.Parameters, printer);
            else
                await RunAsync(line, session, request, printer, terminal, cancellation);
            await printer.FinishAsync();
            return 0;
        }
        catch (Exception e) when (e is not IOException && !(e is OperationCanceledException && cancellation.IsCancellationRequested))
        {
            return await new FailureReport(terminal, _tables, unexpected => onUnexpected?.Invoke("xe " + _tables.FindCommand(arguments.Count > 0 ? arguments[0] : "")?.Name, unexpected)).WriteAsync(e, trace);
        }
    }

    private async Task RunAsync(CommandLine line, string? session, XeRequest request, XePrinter printer, IXeTerminal terminal, CancellationToken cancellation)
    {
        var row = _tables.FindCommand(line.Command) ?? throw new UnknownCommandException(line.Command);
        foreach (var name in row.Required)
            line.Parameters.Required(name);

        // What was printed is seen before a call that may take long; a call outlives a client that does not wait for it.
        async ValueTask<RpcResult> InvokeAsync(RpcCall call)
        {
            try
            {
                if (!cancellation.IsCancellationRequested)
                    await terminal.FlushAsync();
            }
            catch (IOException)
            {
                // What cleans up behind a client that has gone are calls too.
            }

            // A wait for events that is over at once would be waited for again and again.
            if (call.Method.StartsWith("event.", StringComparison.Ordinal))
                cancellation.ThrowIfCancellationRequested();
            return await request.Invoke(call).AsTask().WaitAsync(cancellation);
        }

        var own = session is null;
        session ??= await LoginAsync(row, line.Parameters, request);
        var api = new XeApi(InvokeAsync, session);
        try
        {
            await CommandAsync(row, new(line.Command, line.Parameters, api, new LiveRecords(api, _tables), printer, terminal, time, cancellation));
        }
        catch (XenException e)
        {
            // References in it are read while there is a session.
            throw new DescribedException(await ApiErrors.DescribeAsync(e.Failure, _tables, api), e);
        }
        finally
        {
            if (own)
                await request.Invoke(new(row.LocalSession ? "session.local_logout" : "session.logout", [session]));
        }
    }

    private Task CommandAsync(CommandRow row, XeCall call)
    {
        if (row.Generated is { } generated)
            return GeneratedCommands.RunAsync(call, generated);
        return commands.Find(row.Name) is { } command ? command(call) : throw new XeException("This server does not have the command " + row.Name + ", because it lacks " + row.Missing);
    }

    private static async Task<string> LoginAsync(CommandRow row, XeParameters parameters, XeRequest request)
    {
        var user = request.Trusted ? "" : parameters.Text("username");
        var password = request.Trusted ? "" : parameters.Text("password");
        // Waited for in any case: a session that nobody knows would stay.
        var result = await request.Invoke(row.LocalSession
            ? new("session.slave_local_login_with_password", [user, password])
            : new("session.login_with_password", [user, password, ApiVersion, "cli"]));
        if (result.Failure is { Code: "SESSION_AUTHENTICATION_FAILED" })
            throw new LoginException(user.Length == 0 ? "Username/password must be specified" : "Authentication failed");
        return result.Failure is { } failure ? throw failure.AsException() : ((XenString)result.Value!).Text;
    }
}
