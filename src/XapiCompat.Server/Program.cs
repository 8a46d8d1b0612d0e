using System.Runtime.InteropServices;
using XapiCompat.Server;
using XapiCompat.Server.Checks;

if (args is [CheckCommand.Name, .. var rest])
    return await CheckCommand.RunAsync(rest, Console.Out, Console.Error);

ServerHost host;
ServerOptions options;
try
{
    options = ServerOptions.Parse(args, Environment.GetEnvironmentVariable);
    host = await ServerHost.StartAsync(options);
}
catch (StartFailure failure)
{
    await Console.Error.WriteLineAsync("xapicompat: " + failure.Message);
    return 2;
}

await using (host)
{
    // Not a token source: a second signal may come when everything is disposed already.
    var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        stop.TrySetResult();
    }

    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    await Console.Out.WriteLineAsync(host.ReadyLine(options));
    await stop.Task;
}

return 0;
