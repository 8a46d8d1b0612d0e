using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Server.Tests.Api.Lifecycle;

/// <summary>Random operations against a model of the documented rules: same allowed and refused, same errors, same states.</summary>
public sealed class LifecyclePropertyTests(RunningServer server, ITestOutputHelper output) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task Random_operations_do_what_the_model_says()
    {
        var seed = Soak.Seed(output);
        const int Steps = 250;
        var programs = Soak.Count(2_000, 20_000) / Steps;
        var (allowed, refused) = (0, 0);
        for (var number = 0; number < programs; number++)
        {
            var disks = await DiskClient.LoginAsync(server);
            var program = new LifecycleProgram(disks.Api, new Random(unchecked((seed * 10007) + number)));
            try
            {
                await program.PrepareAsync(await disks.DefaultSrAsync());
                await program.RunAsync(Steps);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}, program {number}: {e.Message}\n{string.Join('\n', program.Log.TakeLast(40))}", e);
            }

            allowed += program.Allowed;
            refused += program.Refused;
            await HaltAllAsync(disks.Api);
        }

        output.WriteLine($"{allowed} calls done, {refused} refused");
        allowed.Should().BeGreaterThan(programs * Steps / 10);
        refused.Should().BeGreaterThan(programs * Steps / 10);
    }

    /// <summary>The next program needs the host's memory.</summary>
    private static async Task HaltAllAsync(XenClient api)
    {
        foreach (var (vm, record) in (await api.CallAsync("VM.get_all_records")).AsObject())
        {
            if (record!["is_control_domain"].Flag())
                continue;
            await api.CallAsync("VM.set_blocked_operations", vm, JsonArguments.Map());
            if (record["power_state"].Text() is "Running" or "Paused")
                await api.CallAsync("VM.hard_shutdown", vm);
        }
    }
}
