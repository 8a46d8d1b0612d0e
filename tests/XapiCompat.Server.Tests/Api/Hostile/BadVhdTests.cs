using System.Security.Cryptography;
using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Disks.Tests.Streams;
using XapiCompat.Disks.Tests.Vhd;
using XapiCompat.Disks.Vhd;
using XapiCompat.Server.Tests.Api.Repositories;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Testing;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Server.Tests.Api.Hostile;

/// <summary>Images that nobody should have made, in a repository and as uploads: each has its outcome, and nothing else suffers.</summary>
public sealed class BadVhdTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int MiB = 1 << 20;
    private RunningServer _server = null!;
    private SrRig _rig = null!;
    private string _place = "";
    private string _sr = "";
    private string _kept = "";
    private string _hash = "";

    public async Task InitializeAsync()
    {
        _server = await RunningServer.CreateAsync();
        _rig = await SrRig.CreateAsync(_server);
        _place = _rig.NewPlace();
        _sr = await _rig.MakeFileAsync(_place);
        _kept = await _rig.DiskAsync(_sr, "kept", 8 * MiB);
        await _rig.Disks.ImportAsync(_kept, RandomNumberGenerator.GetBytes(3 * MiB));
        _hash = await _rig.Disks.HashAsync(_kept);
    }

    public Task DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Bad_files_in_a_repository_are_named_and_harm_nobody()
    {
        var good = await BadFiles.GoodAsync();
        var files = new Dictionary<string, (string Name, VhdFormatError Expected)>();
        var contents = new Dictionary<string, byte[]>();
        foreach (var (name, (damage, expected)) in BadFiles.All)
        {
            var path = Path.Combine(_place, Guid.NewGuid() + ".vhd");
            contents[path] = damage([.. good]);
            await File.WriteAllBytesAsync(path, contents[path]);
            files.Add(path, (name, expected));
        }

        await _rig.Api.CallAsync("SR.scan", _sr);
        var report = JsonNode.Parse(await _rig.Api.TextAsync("host.call_plugin", _rig.Host, "xapicompat", "check", JsonArguments.Map()))!["findings"]!.AsArray();
        await _rig.UnplugAsync(_sr);
        await _rig.Api.CallAsync("PBD.plug", await _rig.PbdAsync(_sr));

        var found = report.ToLookup(f => f!["subject"]!.GetValue<string>(), f => f!["code"]!.GetValue<string>());
        foreach (var (path, (name, expected)) in files)
        {
            found[path].Should().Contain(expected == VhdFormatError.None ? "foreign-parent" : "vhd-" + expected, name);
            (await File.ReadAllBytesAsync(path)).AsSpan().SequenceEqual(contents[path]).Should().BeTrue(name + " is left as it is");
        }

        (await _rig.Api.ListAsync("SR.get_VDIs", _sr)).Should().ContainSingle();
        (await _rig.Disks.HashAsync(_kept)).Should().Be(_hash);
        output.WriteLine($"{files.Count} files");
        (files.Count + BadUploads.All.Count).Should().BeGreaterThanOrEqualTo(120);
    }

    [Fact]
    public async Task Bad_uploads_fail_by_their_task_and_take_no_more_room_than_they_have_bytes()
    {
        var before = Used();
        var received = 0L;
        foreach (var upload in BadUploads.All)
        {
            var target = await _rig.DiskAsync(_sr, upload.Name, 8 * MiB);
            received += upload.Bytes.Length;
            var task = await UploadAsync(target, upload.Bytes);
            task["status"]!.GetValue<string>().Should().Be("failure", upload.Name);
            task["error_info"]!.AsArray()[0]!.GetValue<string>().Should().BeOneOf(["VDI_IO_ERROR", "VDI_TOO_LARGE"], upload.Name);
            (await _rig.Disks.ExportAsync(target)).Should().HaveCount(8 * MiB);
        }

        await SettleAsync(before, received, BadUploads.All.Count);
    }

    [Fact]
    public async Task Mutated_uploads_end_and_harm_nobody()
    {
        var random = new Random(Soak.Seed(output));
        var before = Used();
        var received = 0L;
        var outcomes = new SortedDictionary<string, int>();
        var count = Soak.Count(200, 2_000);
        var target = await _rig.DiskAsync(_sr, "target", 2 * MiB);
        for (var round = 0; round < count; round++)
        {
            var image = Mutated(random);
            received += image.Length;
            var task = await UploadAsync(target, image);
            var key = task["status"]!.GetValue<string>() == "success" ? "success" : task["error_info"]!.AsArray()[0]!.GetValue<string>();
            outcomes[key] = outcomes.GetValueOrDefault(key) + 1;
        }

        output.WriteLine(string.Join(", ", outcomes.Select(o => $"{o.Key} {o.Value}")));
        outcomes.Keys.Should().BeSubsetOf(["success", "VDI_IO_ERROR", "VDI_TOO_LARGE"]);
        await SettleAsync(before, received, 1);
    }

    private async Task SettleAsync(long before, long received, int targets)
    {
        await _rig.Api.CallAsync("SR.scan", _sr);
        (await _rig.Disks.HashAsync(_kept)).Should().Be(_hash);
        var used = Used() - before;
        output.WriteLine($"{received} bytes received, {used} bytes used");

        // Headers, a table and pages that are touched at their edges.
        used.Should().BeLessThanOrEqualTo(received + (targets * 256L << 10));
        var report = JsonNode.Parse(await _rig.Api.TextAsync("host.call_plugin", _rig.Host, "xapicompat", "check", JsonArguments.Map()))!;
        report["clean"]!.GetValue<bool>().Should().BeTrue(report.ToJsonString());
    }

    private async Task<JsonObject> UploadAsync(string target, byte[] body)
    {
        var task = await _rig.Api.TextAsync("task.create", "upload", "");
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/import_raw_vdi?session_id={_rig.Api.Session}&vdi={target}&format=vhd&task_id={task}") { Content = new ByteArrayContent(body) };
        request.Headers.ConnectionClose = true;
        try
        {
            using var answer = await _server.Http.SendAsync(request);
        }
        catch (HttpRequestException)
        {
            // The rest of a refused body is not waited for; the task tells.
        }

        return await _rig.Api.FinishedAsync(task);
    }

    /// <summary>Bytes that the directory takes on the disk.</summary>
    private long Used() => long.Parse(RequiredTool.Run("/usr/bin/du", "-sk", _place).Output.Split('\t')[0], System.Globalization.CultureInfo.InvariantCulture) << 10;

    private static byte[] Mutated(Random random)
    {
        var builder = new VhdBuilder { VirtualSize = 128 << 10, BlockSize = 1 << random.Next(12, 17), Type = random.Next(2) == 0 ? VhdDiskType.Dynamic : VhdDiskType.Differencing, ParentId = Guid.NewGuid() };
        var blocks = builder.VirtualSize / builder.BlockSize;
        for (var block = 0; block < blocks; block += random.Next(1, 4))
        {
            var data = new byte[builder.BlockSize];
            random.NextBytes(data);
            builder.Block((uint)block, builder.FullBitmap(), data);
        }

        var image = builder.Build();
        for (var count = random.Next(1, 6); count > 0; count--)
        {
            var (start, length, field) = random.Next(4) switch { 0 => (0, 512, 64), 1 => (512, 1024, 36), 2 => (1536, (int)blocks * 4, -1), _ => (0, image.Length, -1) };
            image[start + random.Next(length)] = (byte)(random.Next(3) switch { 0 => 0, 1 => 0xFF, _ => random.Next(256) });
            if (field >= 0 && random.Next(3) > 0)
                VhdBuilder.Seal(image.AsSpan(start, length), field);
        }

        return random.Next(8) == 0 ? image[..random.Next(image.Length)] : image;
    }
}
