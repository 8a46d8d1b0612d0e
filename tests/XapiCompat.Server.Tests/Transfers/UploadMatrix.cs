using FluentAssertions;
using XapiCompat.Server.Tests.Connections;
using Xunit.Abstractions;

namespace XapiCompat.Server.Tests.Transfers;

/// <summary>
/// Every manner of upload, clear and TLS, raw and VHD, at the sizes where losses hide. After each upload the whole disk
/// is compared with what must be there.
/// </summary>
internal sealed class UploadMatrix(ITransferRig rig, ITestOutputHelper log)
{
    private static readonly bool Soak = Environment.GetEnvironmentVariable("XAPICOMPAT_SOAK") is { Length: > 0 };

    private static readonly int[] SmallSizes = [0, 512, 1_000_000, (2 << 20) - 1];

    public async Task RunAsync(Manner manner, bool tls, bool vhd)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("XAPICOMPAT_SEED"), out var given) ? given : Random.Shared.Next();
        log.WriteLine($"{manner} tls={tls} vhd={vhd} seed={seed}");
        foreach (var size in SmallSizes)
            await GroupAsync(manner, tls, vhd, size, Soak ? 200 : 10, seed);
        await GroupAsync(manner, tls, vhd, 30_000_001, Soak ? 20 : 1, seed);
        await GroupAsync(manner, tls, vhd, 64 << 20, Soak ? 10 : 1, seed);
        if (Soak)
            await GroupAsync(manner, tls, vhd, 512 << 20, 1, seed);
    }

    private async Task GroupAsync(Manner manner, bool tls, bool vhd, int size, int repeats, int seed)
    {
        var expected = new byte[TestBody.DiskSize(size)];
        var disk = await rig.CreateDiskAsync(expected.Length);
        for (var repeat = 0; repeat < repeats; repeat++)
        {
            var data = TestBody.Noise(size, seed + repeat);
            var body = vhd ? await TestBody.VhdAsync(data) : data;
            var task = await rig.CreateTaskAsync();
            var target = $"/import_raw_vdi{(repeat % 2 == 0 ? "" : "/")}?session_id={Uri.EscapeDataString(rig.Session)}&vdi={disk}&format={(vhd ? "vhd" : "raw")}";
            bool sawEnd;
            await using (var client = await RawClient.ConnectAsync(rig.Port(tls), tls))
                sawEnd = await UploadForms.RunAsync(client, rig, manner, target, task, body, repeat);

            var state = sawEnd ? await rig.TaskAsync(task) : await EndedAsync(task);
            var what = $"{manner} tls={tls} vhd={vhd} size={size} repeat={repeat} seed={seed}: {state}";
            TestBody.Apply(expected, data, vhd);
            if (vhd || size == expected.Length || UploadForms.KnowsLength(manner, repeat))
            {
                state.Status.Should().Be("success", what);
                state.Result.Should().Contain(disk, what);
            }
            else
            {
                // Fewer bytes than the disk has, and nobody said how many: what stands there now is nobody's promise.
                state.Status.Should().Be("failure", what);
                state.Error.Should().Equal(["VDI_IO_ERROR", "Device I/O errors"], what);
                await rig.DestroyDiskAsync(disk);
                disk = await rig.CreateDiskAsync(expected.Length);
                expected.AsSpan().Clear();
            }

            (await rig.HashAsync(disk)).Should().Be(TestBody.Hash(expected), what);
        }

        await rig.DestroyDiskAsync(disk);
    }

    /// <summary>For clients that left before the end: the task must end by itself.</summary>
    private async Task<TaskState> EndedAsync(string task)
    {
        for (var tries = 0; ; tries++)
        {
            var state = await rig.TaskAsync(task);
            if (state.Status != "pending" || tries > 3000)
                return state;
            await Task.Delay(10);
        }
    }
}
