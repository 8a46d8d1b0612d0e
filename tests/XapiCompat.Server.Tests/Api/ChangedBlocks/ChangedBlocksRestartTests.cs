using System.Diagnostics;
using System.Text.Json;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Testing;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Server.Tests.Api.ChangedBlocks;

/// <summary>Tracking across ends of the server, wanted and unwanted ones.</summary>
public sealed class ChangedBlocksRestartTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_restart_changes_nothing()
    {
        var server = await RunningServer.CreateAsync();
        try
        {
            var rig = await ChangedBlocksRig.LoginAsync(server);
            var vdi = await rig.TrackedAsync();
            var first = await rig.SnapshotAsync(vdi);
            await rig.WriteAsync(vdi, 1, 17);
            var second = await rig.SnapshotAsync(vdi);
            await rig.WriteAsync(vdi, 30);
            await rig.Api.CallAsync("VDI.data_destroy", first);
            await server.RestartAsync();
            rig = await ChangedBlocksRig.LoginAsync(server);
            (await rig.ChangedAsync(first, second)).Should().Equal(1, 17);
            (await rig.ChangedAsync(first, vdi)).Should().Equal(1, 17, 30);
            (await rig.TypeAsync(first)).Should().Be("cbt_metadata");
            (await rig.IsTrackedAsync(vdi)).Should().BeTrue();
            (await rig.Api.CallAsync("message.get_all_records")).AsObject().Should().BeEmpty();

            // As after a loss of power in the middle of writing.
            var uuid = await rig.Disks.UuidAsync(vdi);
            await server.StopAsync();
            var log = Directory.EnumerateFiles(server.StatePath, uuid + ".cbtlog", SearchOption.AllDirectories).Single();
            var bytes = await File.ReadAllBytesAsync(log);
            bytes[32] = 0;
            bytes.AsSpan(bytes.Length - 16).Fill(7);
            await File.WriteAllBytesAsync(log, bytes);
            await server.StartAsync();
            rig = await ChangedBlocksRig.LoginAsync(server);
            (await rig.IsTrackedAsync(vdi)).Should().BeFalse();
            (await rig.IsTrackedAsync(second)).Should().BeTrue();
            var message = (await rig.MessagesAsync("VDI_CBT_METADATA_INCONSISTENT")).Should().ContainSingle().Which;
            message["obj_uuid"]!.GetValue<string>().Should().Be(uuid);
            message["cls"]!.GetValue<string>().Should().Be("VDI");
            message["priority"]!.ToString().Should().Be("3");
            (await rig.ChangedAsync(first, second)).Should().Equal(1, 17);
            await server.RestartAsync();
            (await (await ChangedBlocksRig.LoginAsync(server)).MessagesAsync("VDI_CBT_METADATA_INCONSISTENT")).Should().ContainSingle();
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    /// <summary>kill -9 in the middle of an upload: every block that holds new bytes is named.</summary>
    [Fact]
    public async Task A_killed_server_has_noted_all_that_it_wrote()
    {
        const int Size = 32 << 20;
        using var directory = new TempDirectory();
        var random = new Random(Soak.Seed(output));
        var body = new byte[Size];
        random.NextBytes(body);
        string vdi = "", snapshot = "";
        for (var round = 0; round < Soak.Count(3, 30); round++)
        {
            using var server = await KilledServer.StartAsync(directory.File("state"));
            var rig = new ChangedBlocksRig(new DiskClient(server.Http, await XenClient.LoginAsync(new JsonWire(server.Http))));
            if (round > 0)
                await CompareAsync(rig, snapshot, vdi);
            vdi = await rig.TrackedAsync(Size, "round " + round);
            snapshot = await rig.SnapshotAsync(vdi);
            using var upload = new HttpRequestMessage(HttpMethod.Put, $"/import_raw_vdi?session_id={rig.Api.Session}&vdi={vdi}&format=raw") { Content = new ByteArrayContent(body) };
            var sending = server.Http.SendAsync(upload);
            var file = new FileInfo(Directory.EnumerateFiles(directory.File("state"), await rig.Disks.UuidAsync(vdi) + ".vhd", SearchOption.AllDirectories).Single());
            for (var enough = random.Next(1 << 20, Size / 2); file.Length < enough; file.Refresh())
                await Task.Delay(1);
            server.Kill();
            await Record.ExceptionAsync(() => sending);
        }

        using var last = await KilledServer.StartAsync(directory.File("state"));
        await CompareAsync(new(new DiskClient(last.Http, await XenClient.LoginAsync(new JsonWire(last.Http)))), snapshot, vdi);
    }

    private static async Task CompareAsync(ChangedBlocksRig rig, string from, string to)
    {
        (await rig.IsTrackedAsync(to)).Should().BeTrue();
        var changed = (await rig.ChangedAsync(from, to)).ToHashSet();
        var data = await rig.Disks.ExportAsync(to);
        for (var block = 0; block * ChangedBlocksRig.Block < data.Length; block++)
        {
            if (data.AsSpan(block * ChangedBlocksRig.Block, ChangedBlocksRig.Block).ContainsAnyExcept((byte)0) && !changed.Contains(block))
                changed.Should().Contain(block);
        }
    }

    /// <summary>The server as a process of its own.</summary>
    private sealed class KilledServer(Process process, Uri address) : IDisposable
    {
        public HttpClient Http { get; } = new() { BaseAddress = address, Timeout = TimeSpan.FromSeconds(100) };

        public static async Task<KilledServer> StartAsync(string state)
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
            foreach (var argument in (string[])[
                Path.Combine(AppContext.BaseDirectory, "XapiCompat.Server.dll"), "--http", "127.0.0.1:0", "--https", "off", "--unix", "off", "--state", state])
                start.ArgumentList.Add(argument);
            var process = Process.Start(start)!;
            while (await process.StandardOutput.ReadLineAsync() is { } line)
            {
                if (line.StartsWith('{'))
                    return new(process, new Uri(JsonDocument.Parse(line).RootElement.GetProperty("http").GetString()!));
            }

            throw new InvalidOperationException("the server did not start");
        }

        public void Kill()
        {
            process.Kill();
            process.WaitForExit();
        }

        public void Dispose()
        {
            Http.Dispose();
            if (!process.HasExited)
                Kill();
            process.Dispose();
        }
    }
}
