using System.Text;
using FluentAssertions;
using XapiCompat.Disks.Vhd;
using XapiCompat.Testing;

namespace XapiCompat.Disks.Tests.Vhd;

/// <summary>One random program: writes, zeroes, reads, snapshots, growth, coalescing and reopening.</summary>
internal sealed class DiskProgram(TempDirectory directory, Random random, int depth)
{
    private const int MaxBytes = 3 << 20;

    // Small blocks make many blocks out of few bytes; every eighth program has the real size.
    private readonly int _blockSize = random.Next(8) == 0 ? VhdLimits.DefaultBlockSize : 4096 << random.Next(6);
    private readonly List<string> _paths = [];
    private readonly byte[] _buffer = new byte[MaxBytes * 2];
    private byte[] _expected = [];
    private VhdChain _chain = null!;
    private int _names;

    public StringBuilder Log { get; } = new();

    public int Operations { get; private set; }

    public int Deepest { get; private set; }

    public async Task RunAsync()
    {
        _expected = new byte[512 * random.Next(1, MaxBytes / 512)];
        var root = NewName();
        _paths.Add(root);
        var isFixed = random.Next(10) == 0 && _blockSize == VhdLimits.DefaultBlockSize;
        _chain = new VhdChain([VhdFile.Create(root, new VhdCreateOptions
        {
            VirtualSize = _expected.Length,
            UniqueId = Guid.NewGuid(),
            BlockSize = _blockSize,
            DiskType = isFixed ? VhdDiskType.Fixed : VhdDiskType.Dynamic,
        })]);
        Log.Append("block ").Append(_blockSize).Append(" size ").Append(_expected.Length).Append(isFixed ? " fixed" : "");
        try
        {
            for (var level = 1; ; level++)
            {
                for (var step = random.Next(1, 8); step > 0; step--)
                    await StepAsync();
                Deepest = Math.Max(Deepest, _paths.Count);
                if (level == depth)
                    break;
                await SnapshotAsync();
            }

            await CheckAsync(0, _expected.Length);
            await CheckExtentsAsync();
            for (var coalesce = random.Next(3); coalesce > 0; coalesce--)
                await CoalesceAsync();
            await ReopenAsync(VhdAccess.Read);
            await CheckAsync(0, _expected.Length);
        }
        finally
        {
            await _chain.DisposeAsync();
        }

        foreach (var path in _paths)
            VhdChecker.Check(path).Should().BeEmpty();
    }

    private async Task StepAsync()
    {
        Operations++;
        var length = random.Next(4) switch { 0 => random.Next(1, 600), 1 => 512 * random.Next(1, 20), _ => random.Next(1, 2 * _blockSize) };
        var offset = random.Next(_expected.Length);
        if (random.Next(2) == 0)
            offset &= ~511;
        if (random.Next(4) == 0)
            (offset, length) = (offset / _blockSize * _blockSize, _blockSize * random.Next(1, 3));
        length = Math.Min(length, _expected.Length - offset);
        switch (random.Next(10))
        {
            case < 5:
                Log.Append(" w").Append(offset).Append('+').Append(length);
                random.NextBytes(_expected.AsSpan(offset, length));
                await _chain.WriteAsync(offset, _expected.AsMemory(offset, length));
                break;
            case < 7:
                Log.Append(" z").Append(offset).Append('+').Append(length);
                _expected.AsSpan(offset, length).Clear();
                await _chain.ZeroAsync(offset, length);
                break;
            case 7:
                await GrowAsync();
                break;
            case 8:
                Log.Append(" reopen");
                await ReopenAsync(VhdAccess.ReadWrite);
                break;
            default:
                await CheckAsync(offset, length);
                break;
        }
    }

    private async Task CheckAsync(int offset, int length)
    {
        _buffer.AsSpan(0, length).Fill(0xA5);
        await _chain.ReadAsync(offset, _buffer.AsMemory(0, length));
        var difference = _buffer.AsSpan(0, length).CommonPrefixLength(_expected.AsSpan(offset, length));
        difference.Should().Be(length, "the byte at {0} differs", offset + difference);
    }

    private async Task CheckExtentsAsync()
    {
        var extents = await _chain.ExtentsAsync(0, _expected.Length);
        extents[0].Offset.Should().Be(0);
        extents[^1].End.Should().Be(_expected.Length);
        for (var index = 0; index < extents.Count; index++)
        {
            if (index > 0)
                (extents[index].Offset == extents[index - 1].End && extents[index].Kind != extents[index - 1].Kind).Should().BeTrue();
            if (extents[index].Kind == ExtentKind.Zero)
                _expected.AsSpan((int)extents[index].Offset, (int)extents[index].Length).ContainsAnyExcept((byte)0).Should().BeFalse();
        }
    }

    private async Task GrowAsync()
    {
        if (_chain.Leaf.DiskType == VhdDiskType.Fixed || _expected.Length >= MaxBytes || random.Next(2) == 0)
            return;
        var size = _expected.Length + 512 * random.Next(1, 1500);
        Log.Append(" grow").Append(size);
        await _chain.Leaf.ResizeAsync(size);
        Array.Resize(ref _expected, size);
    }

    private async Task SnapshotAsync()
    {
        Log.Append(" snap");
        var path = NewName();
        await VhdFile.Create(path, new VhdCreateOptions
        {
            VirtualSize = _expected.Length,
            UniqueId = Guid.NewGuid(),
            BlockSize = _blockSize,
            DiskType = VhdDiskType.Differencing,
            ParentUniqueId = _chain.Leaf.UniqueId,
            ParentName = Path.GetFileName(_paths[0]),
        }).DisposeAsync();
        _paths.Insert(0, path);
        await ReopenAsync(VhdAccess.ReadWrite);
    }

    private async Task CoalesceAsync()
    {
        if (_paths.Count < 3)
            return;
        await _chain.DisposeAsync();
        var index = random.Next(1, _paths.Count - 1);
        Log.Append(" coalesce").Append(index);
        await using (var parent = VhdFile.Open(_paths[index + 1], VhdAccess.ReadWrite))
        {
            if (parent.DiskType == VhdDiskType.Fixed)
            {
                await ReopenAsync(VhdAccess.ReadWrite);
                return;
            }

            await using var node = VhdFile.Open(_paths[index], VhdAccess.Read);
            await node.CoalesceIntoAsync(parent);
            await using var child = VhdFile.Open(_paths[index - 1], VhdAccess.ReadWrite);
            await child.SetParentAsync(parent.UniqueId, Path.GetFileName(parent.Path));
        }

        _paths.RemoveAt(index);
        await ReopenAsync(VhdAccess.ReadWrite);
        await CheckAsync(0, _expected.Length);
    }

    private async Task ReopenAsync(VhdAccess access)
    {
        await _chain.DisposeAsync();
        _chain = VhdChain.Open(_paths, access);
    }

    private string NewName() => directory.File("d" + _names++ + ".vhd");
}
