using FluentAssertions;
using XapiCompat.Server.Tests.Api.Collecting;
using XapiCompat.Server.Tests.Support;

namespace XapiCompat.Server.Tests.Api;

/// <summary>One random program on disks and VMs; a byte array beside each disk says what it must hold.</summary>
internal sealed class DiskProgram(DiskClient disks, Random random)
{
    private const int Block = DiskClient.Block;

    private readonly Dictionary<string, byte[]> _contents = [];
    private readonly Dictionary<string, string> _snapshotOf = [];
    private readonly List<string> _vmSnapshots = [];
    private string? _vm;

    public List<string> Log { get; } = [];

    public long ComparedBytes { get; private set; }

    public async Task RunAsync(int steps)
    {
        await CreateAsync();
        for (var i = 0; i < steps; i++)
            await StepAsync();
        foreach (var disk in _contents.Keys.ToList())
            await ExportAsync(disk);
        await CleanUpAsync();
    }

    private async Task StepAsync()
    {
        if (_contents.Count == 0)
            await CreateAsync();
        var disk = Pick(_contents.Keys);
        switch (random.Next(15))
        {
            case 0 when _contents.Count < 8:
                await CreateAsync();
                break;
            case 1 or 2 or 3:
                await WriteSectorsAsync(disk);
                break;
            case 4:
                await WriteRawAsync(disk);
                break;
            case 5 or 6:
                await CopyAsync(disk, "VDI.snapshot");
                break;
            case 7:
                await CopyAsync(disk, "VDI.clone");
                break;
            case 8:
                await DestroyAsync(disk);
                break;
            case 9:
                await ExportVhdAsync(disk);
                break;
            case 10:
                await ExportDifferenceAsync(disk, Pick(_contents.Keys));
                break;
            case 11:
                await SnapshotVmAsync();
                break;
            case 12:
                await RevertVmAsync();
                break;
            case 13:
                Log.Add("coalesce");
                await CollectingServer.CollectAsync(disks);
                break;
            case 14 when random.Next(2) == 0:
                Log.Add("flatten " + disk);
                await CollectingServer.PluginAsync(disks, "flatten_vdi", ("vdi", disk));
                break;
            default:
                await ExportAsync(disk);
                break;
        }
    }

    private async Task CreateAsync()
    {
        var size = (1 + random.Next(3)) * Block;
        var disk = await disks.CreateAsync(size - random.Next(Block));
        _contents[disk] = new byte[size];
        Log.Add("create " + disk + " " + size);
    }

    /// <summary>Single sectors by way of a VHD: first and last of the disk and of blocks, and anywhere.</summary>
    private async Task WriteSectorsAsync(string disk)
    {
        var content = _contents[disk];
        var last = (content.Length / 512) - 1;
        var sectors = new Dictionary<long, byte[]>();
        for (var i = random.Next(1, 5); i > 0; i--)
        {
            var block = random.Next(content.Length / Block) * (Block / 512);
            long sector = random.Next(5) switch { 0 => 0, 1 => last, 2 => block, 3 => block + (Block / 512) - 1, _ => random.Next(last + 1) };
            var bytes = new byte[512];
            if (random.Next(4) > 0)
                random.NextBytes(bytes);
            sectors[sector] = bytes;
        }

        Log.Add("write " + disk + " sectors " + string.Join(' ', sectors.Keys));
        await disks.ImportAsync(disk, SparseVhd.Write(content.Length, sectors), "vhd");
        foreach (var (sector, bytes) in sectors)
            bytes.CopyTo(content, sector * 512);
    }

    private async Task WriteRawAsync(string disk)
    {
        var content = _contents[disk];
        var length = random.Next(3) switch { 0 => content.Length, 1 => Math.Min(Block, content.Length), _ => random.Next(1, 100_000) };
        var bytes = new byte[length];
        random.NextBytes(bytes.AsSpan(0, Math.Min(length, 4096)));
        Log.Add("raw " + disk + " " + length);
        await disks.ImportAsync(disk, bytes);
        bytes.CopyTo(content, 0);
    }

    private async Task CopyAsync(string disk, string method)
    {
        if (_contents.Count >= 10)
            return;
        var copy = await disks.Api.TextAsync(method, disk);
        Log.Add(method + " " + disk + " -> " + copy);
        _contents[copy] = [.. _contents[disk]];
        if (method == "VDI.snapshot")
            _snapshotOf[copy] = disk;
    }

    private async Task DestroyAsync(string disk)
    {
        if (_contents.Count == 1)
            return;
        Log.Add("destroy " + disk);
        await disks.Api.CallAsync("VDI.destroy", disk);
        _contents.Remove(disk);
    }

    private async Task ExportAsync(string disk)
    {
        Log.Add("export " + disk);
        Compare(await disks.ExportAsync(disk), _contents[disk]);
    }

    private async Task ExportVhdAsync(string disk)
    {
        Log.Add("export vhd " + disk);
        var content = new byte[_contents[disk].Length];
        SparseVhd.Apply(await disks.ExportAsync(disk, "vhd"), content).Should().Be(3);
        Compare(content, _contents[disk]);
    }

    private async Task ExportDifferenceAsync(string disk, string @base)
    {
        if (_contents[disk].Length != _contents[@base].Length)
            return;
        Log.Add("export " + disk + " over " + @base);
        var vhd = await disks.ExportAsync(disk, "vhd", @base);
        byte[] content = [.. _contents[@base]];
        SparseVhd.Apply(vhd, content).Should().Be(4);
        Compare(content, _contents[disk]);
        SparseVhd.ParentName(vhd).Should().Be(await disks.UuidAsync(@base) + ".vhd");
        SparseVhd.ParentId(vhd).Should().Be(SparseVhd.Id(await disks.ExportAsync(@base, "vhd")));
    }

    private async Task SnapshotVmAsync()
    {
        if (_contents.Count >= 10)
            return;
        if (_vm is null)
        {
            _vm = await disks.Api.TextAsync("VM.create", Records.Vm("program"));
            foreach (var disk in _contents.Keys.Where(d => !_snapshotOf.ContainsKey(d)).Take(2).ToList())
                await disks.Api.CallAsync("VBD.create", Records.Vbd(_vm, disk));
        }

        var snapshot = await disks.Api.TextAsync("VM.snapshot", _vm, "snapshot " + _vmSnapshots.Count);
        Log.Add("VM.snapshot -> " + snapshot);
        _vmSnapshots.Add(snapshot);
        foreach (var disk in await DisksOfAsync(snapshot))
        {
            var origin = await disks.Api.TextAsync("VDI.get_snapshot_of", disk);
            _snapshotOf[disk] = origin;
            _contents[disk] = [.. _contents[origin]];
        }
    }

    private async Task RevertVmAsync()
    {
        if (_vmSnapshots.Count == 0)
            return;
        var snapshot = Pick(_vmSnapshots);
        var kept = await DisksOfAsync(snapshot);
        Log.Add("VM.revert " + snapshot);
        await disks.Api.CallAsync("VM.revert", snapshot);
        foreach (var gone in _contents.Keys.ToList())
        {
            if ((await disks.Api.AnswerAsync("VDI.get_uuid", gone)).Error is not null)
                _contents.Remove(gone);
        }

        // The snapshot's disks name their new origin.
        foreach (var source in kept)
        {
            var fresh = await disks.Api.TextAsync("VDI.get_snapshot_of", source);
            _contents[fresh] = [.. _contents[source]];
            await ExportAsync(fresh);
        }
    }

    private async Task<IReadOnlyList<string>> DisksOfAsync(string vm)
    {
        var list = new List<string>();
        foreach (var vbd in await disks.Api.ListAsync("VM.get_VBDs", vm))
            list.Add(await disks.Api.TextAsync("VBD.get_VDI", vbd));
        return list;
    }

    private async Task CleanUpAsync()
    {
        foreach (var vm in _vmSnapshots.Append(_vm).OfType<string>())
            await disks.Api.CallAsync("VM.destroy", vm);
        foreach (var disk in _contents.Keys)
            await disks.Api.CallAsync("VDI.destroy", disk);
    }

    private void Compare(byte[] actual, byte[] expected)
    {
        actual.Length.Should().Be(expected.Length);
        var at = actual.AsSpan().CommonPrefixLength(expected);
        at.Should().Be(expected.Length, "the first difference is at byte " + at);
        ComparedBytes += expected.Length;
    }

    private string Pick(IEnumerable<string> items)
    {
        // References are random: choose by position, so that a seed repeats a program.
        var list = items.ToList();
        return list[random.Next(list.Count)];
    }
}
