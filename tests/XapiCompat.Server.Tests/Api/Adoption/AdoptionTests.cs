using System.Security.Cryptography;
using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Disks.Vhd;
using XapiCompat.Server.Tests.Api.Repositories;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Adoption;

/// <summary>Repositories of files that were made elsewhere: introduced, plugged, scanned.</summary>
public sealed class AdoptionTests : IAsyncLifetime
{
    private const int MiB = 1 << 20;
    private RunningServer _server = null!;
    private SrRig _rig = null!;
    private string _place = "";

    public async Task InitializeAsync()
    {
        _server = await RunningServer.CreateAsync();
        _rig = await SrRig.CreateAsync(_server);
        _place = Directory.CreateDirectory(_rig.NewPlace()).FullName;
    }

    public Task DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Chains_become_the_right_VDIs()
    {
        var root = await MakeAsync("root", 1, hidden: true);
        var left = await MakeAsync("left", 2, root);
        var middle = await MakeAsync("middle", 3, root, hidden: true);
        var right = await MakeAsync("right", 4, middle);
        var alone = await MakeAsync("alone", 5);
        var sr = await AdoptAsync();

        var disks = await DisksAsync(sr);
        disks.Keys.Should().BeEquivalentTo(new[] { root, left, middle, right, alone }.Select(n => n.Id.ToString()));
        foreach (var (node, managed, parent) in new[] { (root, false, ""), (left, true, root.Id.ToString()), (middle, false, root.Id.ToString()), (right, true, middle.Id.ToString()), (alone, true, "") })
        {
            var record = disks[node.Id.ToString()].Record;
            record["managed"]!.GetValue<bool>().Should().Be(managed);
            (record["sm_config"]!.AsObject()["vhd-parent"]?.GetValue<string>() ?? "").Should().Be(parent);
            SrRig.Number(record["virtual_size"]).Should().Be(8 * MiB);
            record["location"]!.GetValue<string>().Should().Be(node.Id.ToString());
            if (!managed)
                record["name_label"]!.GetValue<string>().Should().Be("base copy");
        }

        foreach (var (node, marks) in new[] { (left, new byte[] { 1, 2 }), (right, [1, 3, 4]), (alone, [5]) })
        {
            var data = await _rig.Disks.ExportAsync(disks[node.Id.ToString()].Reference);
            data.Should().HaveCount(8 * MiB);
            foreach (var mark in marks)
                data[mark * MiB].Should().Be(mark);
            data.Count(b => b != 0).Should().Be(marks.Length);
        }

        // They are disks like any other from now on.
        var snapshot = await _rig.Api.TextAsync("VDI.snapshot", disks[right.Id.ToString()].Reference, new JsonObject());
        await _rig.Disks.ImportAsync(disks[right.Id.ToString()].Reference, [9]);
        (await _rig.Disks.ExportAsync(snapshot))[0].Should().Be(0);
        (await ProblemsAsync(sr)).Should().BeEmpty();
    }

    [Fact]
    public async Task A_base_that_is_not_marked_is_unmanaged_all_the_same()
    {
        var root = await MakeAsync("root", 1);
        var leaf = await MakeAsync("leaf", 2, root);
        var disks = await DisksAsync(await AdoptAsync());
        disks[root.Id.ToString()].Record["managed"]!.GetValue<bool>().Should().BeFalse();
        disks[leaf.Id.ToString()].Record["managed"]!.GetValue<bool>().Should().BeTrue();
    }

    [Fact]
    public async Task Broken_files_are_reported_and_left_as_they_are()
    {
        var good = await MakeAsync("good", 1);
        var orphan = await MakeAsync("orphan", 2, new Node(Guid.NewGuid(), Guid.NewGuid()));
        var child = await MakeAsync("child of an orphan", 3, orphan);
        var impostor = await MakeAsync("impostor", 4, good with { UniqueId = Guid.NewGuid() });
        var noise = await PutAsync(Guid.NewGuid() + ".vhd", RandomNumberGenerator.GetBytes(100_000));
        var empty = await PutAsync(Guid.NewGuid() + ".vhd", []);
        var cut = await MakeAsync("cut", 5);
        await using (var file = File.Open(PathOf(cut), FileMode.Open))
            file.SetLength(1000);
        foreach (var name in new[] { "disk.vhd", "readme.txt", Guid.NewGuid().ToString("N") + ".vhd", Guid.NewGuid().ToString().ToUpperInvariant() + ".vhd", Guid.NewGuid() + ".VHD", Guid.NewGuid() + ".vhdx", ".hidden" })
            await PutAsync(name, [1, 2, 3]);
        Directory.CreateDirectory(Path.Combine(_place, Guid.NewGuid() + ".vhd"));
        var outside = _server.File("outside.vhd");
        await VhdFile.Create(outside, new() { VirtualSize = 8 * MiB, UniqueId = Guid.NewGuid() }).DisposeAsync();
        var link = Path.Combine(_place, Guid.NewGuid() + ".vhd");
        File.CreateSymbolicLink(link, outside);
        var pipe = Path.Combine(_place, Guid.NewGuid() + ".vhd");
        RequiredTool.Run("/usr/bin/mkfifo", pipe);
        var before = Fingerprint();

        var sr = await AdoptAsync();

        (await DisksAsync(sr)).Keys.Should().BeEquivalentTo(good.Id.ToString());
        var problems = await ProblemsAsync(sr);
        foreach (var (path, reason) in new[]
        {
            (PathOf(orphan), "missing or broken"), (PathOf(child), "missing or broken"), (PathOf(impostor), "another disk"), (noise, "FooterCookie"), (empty, "TooShort"),
            (PathOf(cut), ""), (link, "no plain file"),
        })
            problems.Should().Contain(p => p.StartsWith(path + ": ", StringComparison.Ordinal) && p.Contains(reason, StringComparison.Ordinal), path);
        if (File.Exists(pipe))
            problems.Should().Contain(p => p.StartsWith(pipe, StringComparison.Ordinal));
        await _rig.Api.CallAsync("SR.scan", sr);
        await _rig.UnplugAsync(sr);
        await _rig.Api.CallAsync("PBD.plug", await _rig.PbdAsync(sr));
        await _rig.Api.CallAsync("SR.scan", sr);
        Fingerprint().Should().BeEquivalentTo(before);

        // What is good works beside it.
        var disk = (await DisksAsync(sr)).Values.Single().Reference;
        await _rig.Api.CallAsync("VDI.destroy", await _rig.Api.TextAsync("VDI.snapshot", disk, new JsonObject()));
        (await _rig.Disks.ExportAsync(disk))[MiB].Should().Be(1);
    }

    [SkippableFact]
    public async Task Files_of_qemu_become_disks()
    {
        var qemu = RequiredTool.Find("qemu-img");
        var data = RandomNumberGenerator.GetBytes(5 * MiB);
        var raw = _server.File("source.img");
        await File.WriteAllBytesAsync(raw, [.. data, .. new byte[3 * MiB]]);
        var ids = new Dictionary<string, Guid>();
        foreach (var format in new[] { "dynamic", "fixed" })
        {
            ids[format] = Guid.NewGuid();
            RequiredTool.Run(qemu, "convert", "-O", "vpc", "-o", "force_size=on,subformat=" + format, raw, Path.Combine(_place, ids[format] + ".vhd")).ExitCode.Should().Be(0);
        }

        var sr = await AdoptAsync();

        (await ProblemsAsync(sr)).Should().BeEmpty();
        var disks = await DisksAsync(sr);
        foreach (var id in ids.Values)
        {
            var (reference, record) = disks[id.ToString()];
            SrRig.Number(record["virtual_size"]).Should().Be(8 * MiB);
            (await _rig.Disks.ExportAsync(reference)).AsSpan(0, data.Length).SequenceEqual(data).Should().BeTrue();
            var snapshot = await _rig.Api.TextAsync("VDI.snapshot", reference, new JsonObject());
            await _rig.Disks.ImportAsync(reference, new byte[4096]);
            (await _rig.Disks.ExportAsync(snapshot)).AsSpan(0, data.Length).SequenceEqual(data).Should().BeTrue();
            (await _rig.Disks.ExportAsync(reference)).AsSpan(4096, data.Length - 4096).SequenceEqual(data.AsSpan(4096)).Should().BeTrue();
        }
    }

    [Fact]
    public async Task A_directory_that_vanishes_is_an_error_and_comes_back()
    {
        var node = await MakeAsync("disk", 1);
        var sr = await AdoptAsync();
        var disk = (await DisksAsync(sr))[node.Id.ToString()].Reference;
        Directory.Move(_place, _place + ".away");

        (await _rig.Api.ErrorAsync("SR.scan", sr))[0].Should().Be("SR_BACKEND_FAILURE_40");
        (await _rig.Api.ErrorAsync("SR.update", sr))[0].Should().StartWith("SR_BACKEND_FAILURE_");
        (await _rig.Api.ErrorAsync("VDI.create", Records.Vdi(sr, 2 * MiB, "new")))[0].Should().Be("SR_BACKEND_FAILURE_78");
        (await _rig.Api.ErrorAsync("VDI.snapshot", disk, new JsonObject()))[0].Should().Be("SR_BACKEND_FAILURE_82");
        (await _rig.Api.ErrorAsync("VDI.clone", disk, new JsonObject()))[0].Should().Be("SR_BACKEND_FAILURE_81");
        (await _rig.Api.ErrorAsync("VDI.destroy", disk))[0].Should().StartWith("SR_BACKEND_FAILURE_");
        (await _rig.Api.ErrorAsync("VDI.resize", disk, 64 * MiB))[0].Should().StartWith("SR_BACKEND_FAILURE_");
        using (var answer = await _server.Http.GetAsync($"/export_raw_vdi?session_id={_rig.Api.Session}&vdi={disk}"))
            answer.IsSuccessStatusCode.Should().BeFalse();
        (await _rig.Api.ListAsync("SR.get_VDIs", sr)).Should().BeEquivalentTo(disk);
        Directory.Exists(_place).Should().BeFalse("nothing is made in its place");

        Directory.Move(_place + ".away", _place);
        await _rig.Api.CallAsync("SR.scan", sr);
        (await _rig.Disks.ExportAsync(disk))[MiB].Should().Be(1);
        await _rig.Api.CallAsync("VDI.snapshot", disk, new JsonObject());
        await _rig.DiskAsync(sr);
    }

    [SkippableFact]
    public async Task A_file_system_that_turns_read_only_or_is_full_is_an_error_and_comes_back()
    {
        var mount = RequiredTool.Find("mount");
        Skip.If(RequiredTool.Run(mount, "-t", "tmpfs", "-o", "size=24m", "tmpfs", _place).ExitCode != 0, "no right to mount");
        try
        {
            var node = await MakeAsync("disk", 1);
            var sr = await AdoptAsync();
            var disk = (await DisksAsync(sr))[node.Id.ToString()].Reference;
            RequiredTool.Run(mount, "-o", "remount,ro", _place).ExitCode.Should().Be(0);
            (await _rig.Api.ErrorAsync("VDI.create", Records.Vdi(sr, 2 * MiB, "new")))[0].Should().Be("SR_BACKEND_FAILURE_78");
            (await _rig.Api.ErrorAsync("VDI.snapshot", disk, new JsonObject()))[0].Should().Be("SR_BACKEND_FAILURE_82");
            (await _rig.Api.ErrorAsync("VDI.destroy", disk))[0].Should().Be("SR_BACKEND_FAILURE_80");
            (await _rig.Api.ErrorAsync("VDI.resize", disk, 64 * MiB))[0].Should().Be("SR_BACKEND_FAILURE_110");
            await _rig.Api.CallAsync("SR.scan", sr);
            (await _rig.Disks.ExportAsync(disk))[MiB].Should().Be(1);

            RequiredTool.Run(mount, "-o", "remount,rw", _place).ExitCode.Should().Be(0);
            var big = await _rig.DiskAsync(sr, "big", 64 * MiB);
            var task = await _rig.Api.TextAsync("task.create", "upload", "");
            try
            {
                using var content = new ByteArrayContent(RandomNumberGenerator.GetBytes(40 * MiB));
                using var answer = await _server.Http.PutAsync($"/import_raw_vdi?session_id={_rig.Api.Session}&vdi={big}&format=raw&task_id={task}", content);
            }
            catch (HttpRequestException)
            {
                // The rest of the body is not waited for.
            }

            (await _rig.Api.FinishedAsync(task))["error_info"]!.AsArray()[0]!.GetValue<string>().Should().Be("SR_BACKEND_FAILURE_44");
            (await _rig.Api.ErrorAsync("VDI.create", Records.Vdi(sr, 2040L << 30, "new")))[0].Should().Be("SR_BACKEND_FAILURE_44");
            await _rig.Api.CallAsync("SR.scan", sr);
            (await _rig.Disks.ExportAsync(disk))[MiB].Should().Be(1);
            await _rig.Api.CallAsync("VDI.destroy", big);
            await _rig.Api.CallAsync("VDI.snapshot", disk, new JsonObject());
            await _rig.UnplugAsync(sr);
        }
        finally
        {
            RequiredTool.Run(RequiredTool.Find("umount"), _place);
        }
    }

    private async Task<string> AdoptAsync()
    {
        var sr = await _rig.IntroduceAsync("", "file");
        await _rig.Api.CallAsync("PBD.plug", await _rig.ConnectAsync(sr, JsonArguments.Map(("location", _place))));
        await _rig.Api.CallAsync("SR.scan", sr);
        return sr;
    }

    private async Task<Dictionary<string, (string Reference, JsonObject Record)>> DisksAsync(string sr)
    {
        var disks = new Dictionary<string, (string, JsonObject)>();
        foreach (var vdi in await _rig.Api.ListAsync("SR.get_VDIs", sr))
        {
            var record = await _rig.Api.RecordAsync("VDI", vdi);
            disks.Add(record["uuid"]!.GetValue<string>(), (vdi, record));
        }

        return disks;
    }

    private async Task<IReadOnlyList<string>> ProblemsAsync(string sr)
    {
        var text = await _rig.Api.TextAsync("host.call_plugin", _rig.Host, "xapicompat", "sr_problems", JsonArguments.Map(("sr", sr)));
        return [.. JsonNode.Parse(text)!.AsArray().Select(l => l!.GetValue<string>())];
    }

    private string PathOf(Node node) => Path.Combine(_place, node.Id + ".vhd");

    private async Task<string> PutAsync(string name, byte[] content)
    {
        var path = Path.Combine(_place, name);
        await File.WriteAllBytesAsync(path, content);
        return path;
    }

    /// <summary>A file of 8 MiB with one byte at as many MiB as it says.</summary>
    private async Task<Node> MakeAsync(string name, byte mark, Node? parent = null, bool hidden = false)
    {
        var node = new Node(Guid.NewGuid(), Guid.NewGuid());
        await using (var file = VhdFile.Create(PathOf(node), new()
        {
            VirtualSize = 8 * MiB,
            UniqueId = node.UniqueId,
            DiskType = parent is null ? VhdDiskType.Dynamic : VhdDiskType.Differencing,
            ParentName = parent is null ? "" : parent.Id + ".vhd",
            ParentUniqueId = parent?.UniqueId ?? Guid.Empty,
            Hidden = hidden,
        }))
        {
        }

        if (parent is not null && !File.Exists(PathOf(parent)))
            return node;
        if (parent is null)
        {
            await using var chain = VhdChain.Open([PathOf(node)], VhdAccess.ReadWrite);
            await chain.WriteAsync(mark * MiB, new[] { mark });
            return node;
        }

        // A whole sector needs nothing of the parents.
        WriteSector(node, name, mark);
        return node;
    }

    private void WriteSector(Node node, string name, byte mark)
    {
        // Block, bitmap and table by hand: the parents of some of these files are not there.
        using var file = File.Open(PathOf(node), FileMode.Open);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        var footer = bytes[^512..];
        var start = (bytes.Length - 512 + 511) / 512 * 512;
        var block = mark * MiB / (2 * MiB);
        var inBlock = mark * MiB % (2 * MiB);
        var room = new byte[512 + (2 * MiB)];
        room[inBlock / 512 / 8] = (byte)(0x80 >> (inBlock / 512 % 8));
        room[512 + inBlock] = mark;
        file.Seek(start, SeekOrigin.Begin);
        file.Write(room);
        file.Write(footer);
        var entry = new byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(entry, start / 512);
        file.Seek(1536 + (block * 4), SeekOrigin.Begin);
        file.Write(entry);
        name.Should().NotBeEmpty();
    }

    private Dictionary<string, string> Fingerprint() => Directory.EnumerateFiles(_place)
        .Where(f => new FileInfo(f) is { LinkTarget: null, Length: > 0 })
        .ToDictionary(f => f, f => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(f))));

    private sealed record Node(Guid Id, Guid UniqueId);
}
