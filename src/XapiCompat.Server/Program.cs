using System.Runtime.InteropServices;
using XapiCompat.Server;

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
    using var stop = new CancellationTokenSource();
    void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        stop.Cancel();
    }

    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    await Console.Out.WriteLineAsync(host.ReadyLine(options));
    try
    {
        await Task.Delay(Timeout.Infinite, stop.Token);
    }
    catch (OperationCanceledException)
    {
    }
}

return 0;
