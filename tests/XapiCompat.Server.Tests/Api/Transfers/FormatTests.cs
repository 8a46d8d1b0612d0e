using System.Net;
using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Transfers;

/// <summary>Disks in formats other than raw and VHD, and uploads that bring their disk with them.</summary>
public sealed class FormatTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const int Size = 8 << 20;

    [SkippableFact]
    public async Task A_full_and_a_differential_qcow2_export_form_a_chain_that_restores_the_disk()
    {
        var qemu = RequiredTool.Find("qemu-img");
        var disks = await DiskClient.LoginAsync(server);
        var disk = await disks.CreateAsync(Size);
        await disks.ImportAsync(disk, Noise(1, 3_000_000));
        var first = await disks.Api.TextAsync("VDI.snapshot", disk);
        await disks.ImportAsync(disk, Noise(2, 70_000));
        var second = await disks.Api.TextAsync("VDI.snapshot", disk);
        using var directory = new TempDirectory();
        var (full, leaf) = (directory.File(await disks.UuidAsync(first) + ".qcow2"), directory.File(await disks.UuidAsync(second) + ".qcow2"));
        await File.WriteAllBytesAsync(full, await disks.ExportAsync(first, "qcow2"));
        await File.WriteAllBytesAsync(leaf, await disks.ExportAsync(second, "QCOW2", first));

        RequiredTool.Run(qemu, "convert", "-f", "qcow2", "-O", "raw", leaf, directory.File("disk.raw")).ExitCode.Should().Be(0);
        var expected = await disks.ExportAsync(second);
        (await File.ReadAllBytesAsync(directory.File("disk.raw"))).AsSpan().SequenceEqual(expected).Should().BeTrue();

        var restored = await disks.CreateAsync(Size);
        await disks.ImportAsync(restored, await File.ReadAllBytesAsync(full), "qcow2");
        (await disks.HashAsync(restored)).Should().Be(await disks.HashAsync(first));
        await disks.ImportAsync(restored, await File.ReadAllBytesAsync(leaf), "qcow2");
        (await disks.HashAsync(restored)).Should().Be(await disks.HashAsync(second));
        Directory.GetFiles(server.StatePath, "*.upload").Should().BeEmpty();
    }

    [Theory]
    [InlineData("sr_id")]
    [InlineData("sr_uuid")]
    public async Task An_upload_without_a_disk_makes_one_of_its_length(string parameter)
    {
        var disks = await DiskClient.LoginAsync(server);
        var sr = await disks.DefaultSrAsync();
        var place = parameter == "sr_id" ? sr : await disks.Api.TextAsync("SR.get_uuid", sr);
        var data = Noise(3, 3_000_001);

        var task = await UploadAsync(disks, $"{parameter}={place}", data);

        task["status"]!.GetValue<string>().Should().Be("success", task.ToJsonString());
        var made = task["result"]!.GetValue<string>().Replace("<value>", "", StringComparison.Ordinal).Replace("</value>", "", StringComparison.Ordinal);
        var record = await disks.RecordAsync(made);
        record["name_label"]!.GetValue<string>().Should().Be("Imported VDI");
        record["SR"]!.GetValue<string>().Should().Be(sr);
        record["type"]!.GetValue<string>().Should().Be("user");
        record["virtual_size"]!.ToString().Should().Be((4 << 20).ToString());
        (await disks.ExportAsync(made)).AsSpan(0, data.Length).SequenceEqual(data).Should().BeTrue();
    }

    [Theory]
    [InlineData("sr_id=OpaqueRef:nothing", "HANDLE_INVALID", "SR")]
    [InlineData("sr_uuid=nothing", "UUID_INVALID", "SR")]
    [InlineData("sr_id=SR&format=vhd", "INTERNAL_ERROR", "Importing a VHD directly into an SR not yet supported")]
    [InlineData("sr_id=SR&format=qcow2", "INTERNAL_ERROR", "Importing a QCOW2 directly into an SR not yet supported")]
    [InlineData("sr_id=SR&chunked=1", "INTERNAL_ERROR", "Not enough info supplied to import")]
    public async Task An_upload_that_cannot_have_a_disk_leaves_none(string query, string code, string parameter)
    {
        var disks = await DiskClient.LoginAsync(server);
        var before = await disks.Api.ListAsync("VDI.get_all");

        var task = await UploadAsync(disks, query.Replace("SR", await disks.DefaultSrAsync(), StringComparison.Ordinal), new byte[1000]);

        task["status"]!.GetValue<string>().Should().Be("failure");
        task["error_info"]!.AsArray().Take(2).Select(p => p!.GetValue<string>()).Should().Equal(code, parameter);
        (await disks.Api.ListAsync("VDI.get_all")).Should().BeEquivalentTo(before);
    }

    [Fact]
    public async Task A_disk_made_for_an_upload_goes_when_the_upload_is_cut()
    {
        var disks = await DiskClient.LoginAsync(server);
        var before = await disks.Api.ListAsync("VDI.get_all");
        var task = await disks.Api.TextAsync("task.create", "cut", "");
        using (var client = new System.Net.Sockets.TcpClient("127.0.0.1", server.Port))
        {
            var stream = client.GetStream();
            var head = $"PUT /import_raw_vdi?session_id={disks.Api.Session}&task_id={task}&sr_id={await disks.DefaultSrAsync()} HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n";
            await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(head));
            await stream.WriteAsync(Noise(4, 100_000));
            await stream.FlushAsync();
        }

        (await disks.Api.FinishedAsync(task))["status"]!.GetValue<string>().Should().Be("failure");
        (await disks.Api.ListAsync("VDI.get_all")).Should().BeEquivalentTo(before);
    }

    private async Task<JsonObject> UploadAsync(DiskClient disks, string query, byte[] body)
    {
        var task = await disks.Api.TextAsync("task.create", "upload", "");
        using var content = new ByteArrayContent(body);
        using var response = await server.Http.PutAsync($"/import_raw_vdi?session_id={disks.Api.Session}&task_id={task}&{query}", content);
        response.StatusCode.Should().BeOneOf(HttpStatusCode.OK, HttpStatusCode.BadRequest, HttpStatusCode.InternalServerError);
        return await disks.Api.FinishedAsync(task);
    }

    private static byte[] Noise(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
