using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Text;
using FluentAssertions;
using XapiCompat.Disks.Vhd.Streams;
using XapiCompat.Server.HttpActions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Transfers;

public sealed class ExportTests
{
    private const int Size = 6 << 20;

    [Theory]
    [InlineData("1.0", false)]
    [InlineData("1.1", false)]
    [InlineData("1.0", true)]
    [InlineData("1.1", true)]
    public async Task A_raw_export_is_the_disk_with_its_length_and_never_chunked(string version, bool tls)
    {
        await using var rig = await FileRig.StartAsync();
        var (vdi, data) = await FilledDiskAsync(rig);
        var task = await rig.CreateTaskAsync();
        var answer = await Exchange.GetAsync(rig, Query(rig, vdi, task), version, tls: tls);
        answer.Status.Should().Be(200);
        answer.Header("Content-Length").Should().Be("6291456");
        answer.Header("Connection").Should().Be("close");
        answer.Header("Cache-Control").Should().Be("no-cache, no-store");
        answer.Header("Content-Type").Should().Be("application/octet-stream");
        answer.Header("task-id").Should().Be(task);
        answer.Header("Content-Disposition").Should().Be($"attachment; filename=\"{rig.Disk(vdi).Uuid:D}.raw\"");
        answer.Header("Transfer-Encoding").Should().BeNull();
        answer.Body.Should().Equal(data);
        (await rig.TaskAsync(task)).Should().BeEquivalentTo(new TaskState("success", [], "", 1));
        rig.Transfers.OpenDevices.Should().Be(0);
    }

    [Fact]
    public async Task A_VHD_export_is_sparse_and_says_whose_data_it_is()
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        var block = TestBody.Noise(2 << 20, 1);
        await rig.Disk(vdi).Device.WriteAsync(2 << 20, block);
        var answer = await Exchange.GetAsync(rig, Query(rig, vdi) + "&format=VHD");
        answer.Header("Content-Type").Should().Be("application/vhd");
        answer.Header("Content-Disposition").Should().EndWith($"filename=\"{rig.Disk(vdi).Uuid:D}.vhd\"");
        answer.Body.Length.Should().Be(2048 + 512 + 512 + (2 << 20) + 512);
        DiskType(answer.Body).Should().Be(3);
        UniqueId(answer.Body).Should().Be(rig.Disk(vdi).DataId);
        answer.Body.AsSpan(3072, 2 << 20).SequenceEqual(block).Should().BeTrue();
    }

    [Fact]
    public async Task An_export_with_a_base_names_its_parent_by_the_id_and_file_name_of_the_parents_export()
    {
        await using var rig = await FileRig.StartAsync();
        var (vdi, data) = await FilledDiskAsync(rig);
        var (parent, _) = await FilledDiskAsync(rig);
        var answer = await Exchange.GetAsync(rig, Query(rig, vdi) + "&format=vhd&base=" + parent);
        DiskType(answer.Body).Should().Be(4);
        UniqueId(answer.Body).Should().Be(rig.Disk(vdi).DataId);
        new Guid(answer.Body.AsSpan(512 + 40, 16), bigEndian: true).Should().Be(rig.Disk(parent).DataId);
        Encoding.BigEndianUnicode.GetString(answer.Body, 512 + 64, 80).TrimEnd('\0').Should().Be($"{rig.Disk(parent).Uuid:D}.vhd");

        // Only the first block is said to differ: it is there, whole.
        answer.Body.Length.Should().Be(2048 + 512 + 512 + (2 << 20) + 512);
        var target = await rig.CreateDiskAsync(Size);
        var pipe = PipeReader.Create(new MemoryStream(answer.Body));
        (await new VhdStreamDecoder().RunAsync(pipe, rig.Disk(target).Device, answer.Body.Length, null, default)).Succeeded.Should().BeTrue();
        var first = new byte[2 << 20];
        await rig.Disk(target).Device.ReadAsync(0, first);
        first.Should().Equal(data[..(2 << 20)]);
    }

    [Theory]
    [InlineData("format=qcow&vdi=VDI", 404, "INTERNAL_ERROR", "Unknown format qcow")]
    [InlineData("format=tar&vdi=VDI", 404, "INTERNAL_ERROR", "Unknown format tar")]
    [InlineData("vdi=OpaqueRef%3Anone", 500, "HANDLE_INVALID", "VDI")]
    [InlineData("vdi=VDI&base=OpaqueRef%3Anone", 500, "HANDLE_INVALID", "VDI")]
    [InlineData("format=raw", 500, "VDI_MISSING", null)]
    public async Task A_refused_export_has_its_status_and_its_error_on_the_task(string query, int status, string code, string? parameter)
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        var task = await rig.CreateTaskAsync();
        var answer = await Exchange.GetAsync(
            rig, $"{query.Replace("VDI", vdi, StringComparison.Ordinal)}&session_id={FileTransfers.Session}&task_id={task}");
        answer.Status.Should().Be(status);
        answer.Header("Content-Type").Should().Be("text/html");
        answer.Text.Should().Contain(code);
        var state = await rig.TaskAsync(task);
        state.Status.Should().Be("failure");
        state.Error[0].Should().Be(code);
        if (parameter is not null)
            state.Error[1].Should().Be(parameter);
        rig.Transfers.OpenDevices.Should().Be(0);
    }

    [Fact]
    public async Task Sessions_come_from_cookie_then_query_then_Basic_and_a_bad_one_is_401_with_the_task_failed()
    {
        await using var rig = await FileRig.StartAsync();
        var (vdi, data) = await FilledDiskAsync(rig);
        var basic = Convert.ToBase64String(Encoding.UTF8.GetBytes("root:pass:word"));
        foreach (var (query, headers) in new[]
        {
            ("session_id=OpaqueRef%3Asession", ""),
            ("session_id=OpaqueRef%3Awrong", "Cookie: a=b;  session_id=OpaqueRef%3Asession; c=d\r\n"),
            ("x=y", "Cookie: a=b&session_id=OpaqueRef:session\r\n"),
            ("x=y", $"Authorization: Basic {basic}\r\n"),
        })
            (await Exchange.GetAsync(rig, $"vdi={vdi}&{query}", headers: headers)).Body.Should().Equal(data, query + headers);

        foreach (var (session, headers, status, code) in new[]
        {
            ("", "", 401, "SESSION_INVALID"),
            ("OpaqueRef:nobody", "", 401, "SESSION_INVALID"),
            (FileTransfers.WeakSession, "", 403, "RBAC_PERMISSION_DENIED"),
            ("", "Authorization: Basic cm9vdDp3cm9uZw==\r\n", 401, "SESSION_AUTHENTICATION_FAILED"),
            ("", "Authorization: Basic ###\r\n", 401, "SESSION_INVALID"),
        })
        {
            var task = await rig.CreateTaskAsync();
            var query = $"vdi={vdi}&task_id={task}" + (session.Length > 0 ? "&session_id=" + session : "");
            var answer = await Exchange.GetAsync(rig, query, headers: headers);
            answer.Status.Should().Be(status);
            (await rig.TaskAsync(task)).Error[0].Should().Be(code);
            if (status == 401)
                answer.Header("WWW-Authenticate").Should().Be("Basic realm=\"get_export_raw_vdi\"");
        }

        (await Exchange.GetAsync(rig, "vdi=" + vdi, headers: "Authorization: Digest x\r\n")).Status.Should().Be(500);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task The_task_of_a_client_that_vanishes_fails_and_the_disk_is_closed(bool tls, bool reset)
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(2L << 30);
        var task = await rig.CreateTaskAsync();
        await using var client = await rig.ConnectAsync(tls);
        await client.SendAsync($"GET /export_raw_vdi?{Query(rig, vdi, task)} HTTP/1.0\r\n\r\n");
        await client.ReadExactlyAsync(5_000_000);
        if (reset)
            client.Reset();
        else
            client.Close();
        await rig.EndAsync(task);
        (await rig.TaskAsync(task)).Error.Should().Equal("VDI_IO_ERROR", "Device I/O errors");
        rig.Transfers.OpenDevices.Should().Be(0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_reader_that_stands_still_is_ended_by_the_idle_cap(bool tls)
    {
        var clock = new ManualClock(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
        await using var rig = await FileRig.StartAsync(new TransferOptions { IdleTimeout = TimeSpan.FromMinutes(10), Time = clock });
        var vdi = await rig.CreateDiskAsync(1L << 30);
        var task = await rig.CreateTaskAsync();
        await using var client = await rig.ConnectAsync(tls);
        await client.SendAsync($"GET /export_raw_vdi?{Query(rig, vdi, task)} HTTP/1.0\r\n\r\n");
        await client.ReadHeadAsync();
        await clock.PassUntilAsync(rig.EndAsync(task), TimeSpan.FromMinutes(1));
        (await rig.TaskAsync(task)).Error[0].Should().Be("VDI_IO_ERROR");
        var rest = (await client.ReadTextAsync()).Length;
        ((long)rest).Should().BeLessThan(1L << 30);
    }

    [Fact]
    public async Task Cancelling_the_task_cuts_the_download()
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(1L << 30);
        var task = await rig.CreateTaskAsync();
        await using var client = await rig.ConnectAsync(tls: false);
        await client.SendAsync($"GET /export_raw_vdi?{Query(rig, vdi, task)} HTTP/1.0\r\n\r\n");
        await client.ReadHeadAsync();
        await rig.Transfers.Tasks[task].Cancel.CancelAsync();
        await rig.EndAsync(task);
        (await rig.TaskAsync(task)).Status.Should().Be("cancelled");
        ((long)(await client.ReadTextAsync()).Length).Should().BeLessThan(1L << 30);
        rig.Transfers.OpenDevices.Should().Be(0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_disk_that_breaks_in_the_middle_leaves_a_download_that_looks_cut(bool tls)
    {
        await using var rig = await FileRig.StartAsync();
        var (vdi, _) = await FilledDiskAsync(rig);
        rig.Disk(vdi).Device.BreaksAt = 4 << 20;
        var task = await rig.CreateTaskAsync();
        var answer = await Exchange.GetAsync(rig, Query(rig, vdi, task), tls: tls);
        answer.Header("Content-Length").Should().Be("6291456");
        answer.Body.Length.Should().BeLessThan(Size);
        (await rig.TaskAsync(task)).Error.Should().Equal("VDI_IO_ERROR", "Device I/O errors");
    }

    private static string Query(FileRig rig, string vdi, string? task = null) =>
        $"session_id={rig.Session}&vdi={vdi}" + (task is null ? "" : "&task_id=" + task);

    private static async Task<(string Vdi, byte[] Data)> FilledDiskAsync(FileRig rig)
    {
        var vdi = await rig.CreateDiskAsync(Size);
        var data = TestBody.Noise(Size, 7);
        await rig.Disk(vdi).Device.WriteAsync(0, data);
        return (vdi, data);
    }

    private static uint DiskType(byte[] vhd) => BinaryPrimitives.ReadUInt32BigEndian(vhd.AsSpan(60));

    private static Guid UniqueId(byte[] vhd) => new(vhd.AsSpan(68, 16), bigEndian: true);
}
