using System.Text;
using FluentAssertions;
using XapiCompat.Server.HttpActions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Transfers;

public sealed class ImportTests
{
    private const int Size = 2 << 20;
    private static readonly string[] DeviceError = ["VDI_IO_ERROR", "Device I/O errors"];

    [Fact]
    public async Task The_empty_probe_is_answered_and_leaves_nothing_behind()
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        foreach (var format in new[] { "raw", "vhd" })
        {
            var answer = await Exchange.PutAsync(rig, $"session_id={rig.Session}&vdi={vdi}&format={format}", []);
            answer.Status.Should().Be(200);
            answer.Header("Content-Length").Should().Be("0");
        }

        rig.Transfers.Tasks.Should().BeEmpty();
        rig.Disk(vdi).Imports.Should().Be(0);
        (await Exchange.PutAsync(rig, $"session_id=OpaqueRef:no&vdi={vdi}", [])).Status.Should().Be(401);
    }

    [Fact]
    public async Task An_upload_over_HTTP_1_1_that_tells_no_length_at_all_is_refused()
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        var task = await rig.CreateTaskAsync();
        var answer = await Exchange.RunAsync(rig, $"PUT /import_raw_vdi?{Query(rig, vdi, task)} HTTP/1.1\r\nHost: x\r\n\r\n");
        answer.Status.Should().Be(411);
        (await rig.TaskAsync(task)).Status.Should().Be("failure");
        rig.Disk(vdi).Imports.Should().Be(0);
    }

    [Theory]
    [InlineData("format=qcow&vdi=VDI", 404, "INTERNAL_ERROR", "Unknown format qcow")]
    [InlineData("format=vhd&chunked=true&vdi=VDI", 404, "INTERNAL_ERROR", "Cannot handle chunked VHD")]
    [InlineData("format=raw", 400, "VDI_MISSING", null)]
    [InlineData("format=vhd&sr_id=OpaqueRef:sr", 400, "INTERNAL_ERROR", "Importing a VHD directly into an SR not yet supported")]
    [InlineData("format=qcow2&sr_id=OpaqueRef:sr", 400, "INTERNAL_ERROR", "Importing a QCOW2 directly into an SR not yet supported")]
    [InlineData("sr_uuid=1&chunked=1", 400, "INTERNAL_ERROR", "Not enough info supplied to import")]
    [InlineData("vdi=nothing", 500, "HANDLE_INVALID", "VDI")]
    public async Task A_refused_upload_has_its_status_and_its_error_on_the_task(string query, int status, string code, string? parameter)
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        var body = new byte[1_000_000];
        foreach (var tls in new[] { false, true })
        {
            var task = await rig.CreateTaskAsync();
            var full = $"{query.Replace("VDI", vdi, StringComparison.Ordinal)}&session_id={rig.Session}&task_id={task}";
            (await Exchange.PutAsync(rig, full, body, tls: tls)).Status.Should().Be(status);
            await CheckAsync(rig, task, code, parameter);

            var lengthless = await rig.CreateTaskAsync();
            await using var client = await rig.ConnectAsync(tls);
            await client.SendAsync($"PUT /import_raw_vdi?{full.Replace(task, lengthless, StringComparison.Ordinal)} HTTP/1.0\r\n\r\n");
            await client.SendAsync(body);
            client.HalfClose();
            (await client.ReadTextAsync()).Should().StartWith($"HTTP/1.1 {status} ");
            await CheckAsync(rig, lengthless, code, parameter);
        }

        rig.Disk(vdi).Imports.Should().Be(0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task More_bytes_than_the_disk_holds_fail_in_every_form(bool tls)
    {
        // The server reads on until the sender has ended, but not for ever; here no time passes.
        await using var rig = await FileRig.StartAsync(new TransferOptions { Time = new ManualClock(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero)) });
        var vdi = await rig.CreateDiskAsync(Size);
        var body = new byte[2 * Size];
        var chunks = Encoding.ASCII.GetBytes($"{body.Length:x}\r\n").Concat(body).Concat("\r\n0\r\n\r\n"u8.ToArray()).ToArray();
        foreach (var (version, header, bytes) in new[]
        {
            ("1.1", $"Host: x\r\nContent-Length: {body.Length}\r\n", body),
            ("1.0", $"Content-Length: {body.Length}\r\n", body),
            ("1.0", "", body),
            ("1.1", "Host: x\r\nTransfer-Encoding: chunked\r\n", chunks),
            ("1.1", "Host: x\r\nContent-Length: 1125899906842624\r\n", body),
        })
        {
            for (var round = 0; round < 5; round++)
            {
                var task = await rig.CreateTaskAsync();
                await using var client = await rig.ConnectAsync(tls);
                await client.SendAsync($"PUT /import_raw_vdi?{Query(rig, vdi, task)} HTTP/{version}\r\n{header}\r\n");
                await client.SendAsync(bytes);
                client.HalfClose();
                (await client.ReadTextAsync()).Should().StartWith("HTTP/1.1 200 ");
                (await rig.TaskAsync(task)).Error.Should().Equal(DeviceError, version + header);
            }
        }

        rig.Transfers.OpenDevices.Should().Be(0);
    }

    [Theory]
    [InlineData(false, "raw", false)]
    [InlineData(false, "raw", true)]
    [InlineData(false, "vhd", false)]
    [InlineData(true, "raw", false)]
    [InlineData(true, "raw", true)]
    [InlineData(true, "vhd", true)]
    public async Task An_upload_that_ends_early_fails_and_frees_the_disk(bool tls, string format, bool reset)
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        var body = format == "vhd" ? await TestBody.VhdAsync(TestBody.Noise(Size, 3)) : TestBody.Noise(Size, 3);
        foreach (var header in new[] { $"Content-Length: {body.Length}\r\n", "", "Transfer-Encoding: chunked\r\n", "Content-Length: 1125899906842624\r\n" })
        {
            foreach (var cut in new[] { 1, 511, 512, 1500, 1_000_000, body.Length - 1 })
            {
                var task = await rig.CreateTaskAsync();
                await using var client = await rig.ConnectAsync(tls);
                var version = header.Length == 0 ? "1.0" : "1.1";
                await client.SendAsync($"PUT /import_raw_vdi?{Query(rig, vdi, task)}&format={format} HTTP/{version}\r\nHost: x\r\n{header}\r\n");
                if (header.StartsWith("Transfer", StringComparison.Ordinal))
                    await client.SendAsync($"{body.Length:x}\r\n");
                await client.ReadHeadAsync();
                await client.SendAsync(body.AsMemory(0, cut));
                if (reset)
                {
                    client.Reset();
                    await rig.EndAsync(task);
                }
                else
                {
                    client.HalfClose();
                    await client.ReadTextAsync();
                }

                (await rig.TaskAsync(task)).Error.Should().Equal(DeviceError, $"{header} cut at {cut}");
            }
        }

        var last = await rig.CreateTaskAsync();
        await Exchange.PutAsync(rig, Query(rig, vdi, last), TestBody.Noise(Size, 4), tls: tls);
        (await rig.TaskAsync(last)).Status.Should().Be("success", "the disk is free again");
        rig.Transfers.OpenDevices.Should().Be(0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_failed_upload_without_a_task_of_its_own_looks_cut(bool tls)
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        await using var client = await rig.ConnectAsync(tls);
        await client.SendAsync($"PUT /import_raw_vdi?session_id={rig.Session}&vdi={vdi}&format=vhd HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
        await client.SendAsync(TestBody.Noise(100_000, 1));
        // The head is no part of it: its last line is a reference, which may end like a closing chunk.
        var body = (await client.ReadTextAsync()).Split("\r\n\r\n", 2).ElementAtOrDefault(1) ?? "";
        body.Should().NotEndWith("0\r\n\r\n", "the closing chunk never comes");
        rig.Transfers.Tasks.Values.Single().State.Error.Should().Equal(DeviceError);
    }

    [Theory]
    [InlineData("query")]
    [InlineData("false")]
    [InlineData("cookie")]
    public async Task The_framing_of_its_own_writes_where_the_frames_say(string signal)
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        byte[] frame = [0x00, 0x10, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, (byte)'A', (byte)'B', (byte)'C', (byte)'D'];
        var task = await rig.CreateTaskAsync();
        var query = Query(rig, vdi, task) + (signal == "cookie" ? "" : "&chunked=" + signal);
        var cookie = signal == "cookie" ? "Cookie: chunked=true\r\n" : "";
        await Exchange.PutAsync(rig, query, [.. frame, .. new byte[12]], cookie);
        (await rig.TaskAsync(task)).Status.Should().Be("success");
        var expected = new byte[Size];
        "ABCD"u8.CopyTo(expected.AsSpan(0x1000));
        (await rig.HashAsync(vdi)).Should().Be(TestBody.Hash(expected));

        var open = await rig.CreateTaskAsync();
        await Exchange.PutAsync(rig, query.Replace(task, open, StringComparison.Ordinal), frame, cookie);
        (await rig.TaskAsync(open)).Error.Should().Equal(DeviceError, "the closing frame is missing");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_sender_that_stands_still_is_ended_by_the_idle_cap_and_one_that_creeps_is_not(bool tls)
    {
        const int Frames = 10;
        var clock = new ManualClock(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
        await using var rig = await FileRig.StartAsync(new TransferOptions { IdleTimeout = TimeSpan.FromMinutes(10), Time = clock });
        var vdi = await rig.CreateDiskAsync(Size);
        var (still, creeping) = (await rig.CreateTaskAsync(), await rig.CreateTaskAsync());
        await using var silent = await rig.ConnectAsync(tls);
        await silent.SendAsync($"PUT /import_raw_vdi?{Query(rig, vdi, still)} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhello");
        await silent.ReadHeadAsync();
        await clock.PassUntilAsync(rig.EndAsync(still), TimeSpan.FromMinutes(1));
        (await rig.TaskAsync(still)).Error.Should().Equal(DeviceError);

        // Frames are written one by one: the disk tells when the server has a byte.
        await using var slow = await rig.ConnectAsync(tls);
        await slow.SendAsync($"PUT /import_raw_vdi?{Query(rig, vdi, creeping)}&chunked=true HTTP/1.0\r\nContent-Length: {(Frames + 1) * 13 - 1}\r\n\r\n");
        await slow.ReadHeadAsync();
        var byteThere = new byte[1];
        for (byte i = 1; i <= Frames; i++)
        {
            await slow.SendAsync(new byte[] { i, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, i });
            for (byteThere[0] = 0; byteThere[0] != i && !rig.EndAsync(creeping).IsCompleted; await Task.Delay(1))
                await rig.Disk(vdi).Device.ReadAsync(i, byteThere);
            clock.Advance(TimeSpan.FromMinutes(2));
            clock.Advance(TimeSpan.FromMinutes(2));
        }

        await slow.SendAsync(new byte[12]);
        await rig.EndAsync(creeping);
        (await rig.TaskAsync(creeping)).Status.Should().Be("success");
    }

    [Theory]
    [InlineData("1.0", "")]
    [InlineData("1.1", "Host: x\r\nContent-Length: 1000000\r\n")]
    public async Task Cancelling_the_task_ends_the_upload(string version, string headers)
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        var task = await rig.CreateTaskAsync();
        await using var client = await rig.ConnectAsync(tls: false);
        await client.SendAsync($"PUT /import_raw_vdi?{Query(rig, vdi, task)} HTTP/{version}\r\n{headers}\r\n");
        await client.ReadHeadAsync();
        await rig.Transfers.Tasks[task].Cancel.CancelAsync();
        await rig.EndAsync(task);
        (await rig.TaskAsync(task)).Status.Should().Be("cancelled");
        await client.ReadTextAsync();
        rig.Transfers.OpenDevices.Should().Be(0);
    }

    [Theory]
    [InlineData(28, "SR_BACKEND_FAILURE_44")]
    [InlineData(5, "VDI_IO_ERROR")]
    public async Task A_disk_that_cannot_take_the_bytes_fails_the_task_with_the_reason(int errno, string code)
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        rig.Disk(vdi).Device.Breaks = new IOException("no", errno);
        var task = await rig.CreateTaskAsync();
        await Exchange.PutAsync(rig, Query(rig, vdi, task), TestBody.Noise(Size, 1));
        (await rig.TaskAsync(task)).Error[0].Should().Be(code);
        rig.Transfers.OpenDevices.Should().Be(0);
    }

    [Fact]
    public async Task The_disk_is_flushed_once_before_the_task_succeeds()
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        var task = await rig.CreateTaskAsync();
        var answer = await Exchange.PutAsync(rig, Query(rig, vdi, task), TestBody.Noise(1000, 1));
        answer.Header("Content-Type").Should().Be("application/octet-stream");
        answer.Header("Content-Length").Should().BeNull();
        (await rig.TaskAsync(task)).Result.Should().Be($"<value>{vdi}</value>");
        rig.Disk(vdi).Device.Flushes.Should().Be(1);
    }

    private static string Query(FileRig rig, string vdi, string task) => $"session_id={rig.Session}&vdi={vdi}&task_id={task}";

    private static async Task CheckAsync(FileRig rig, string task, string code, string? parameter)
    {
        var state = await rig.TaskAsync(task);
        state.Status.Should().Be("failure");
        state.Error[0].Should().Be(code);
        if (parameter is not null)
            state.Error[1].Should().Be(parameter);
    }
}
