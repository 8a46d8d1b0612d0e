using FluentAssertions;
using XapiCompat.Nbd.Protocol;
using XapiCompat.Nbd.Tests.Support;
using Xunit;

namespace XapiCompat.Nbd.Tests;

public sealed class BlockStatusTests
{
    [Fact]
    public async Task Both_maps_cover_the_disk()
    {
        await using var server = new LoopbackServer(16 * MemoryDevice.Block);
        var random = new Random(11);
        for (var round = 0; round < 20; round++)
        {
            for (var block = 0; block < 16; block++)
            {
                if (random.Next(2) == 0)
                    server.Device.Fill(block, block * MemoryDevice.Block, 100);
                else
                    await server.Device.ZeroAsync(block * MemoryDevice.Block, MemoryDevice.Block);
            }

            var bits = new byte[2];
            random.NextBytes(bits);
            server.Changes = new(MemoryDevice.Block, bits);
            await using var client = await server.OpenAsync("disk", true, "base:allocation", "qemu:dirty-bitmap:changes");
            var offset = random.Next(15 * MemoryDevice.Block);
            var length = 1 + random.Next(16 * MemoryDevice.Block - offset);
            var status = await client.StatusAsync(offset, (uint)length);
            Expand(status["base:allocation"], offset).Should().Equal(Blocks(offset, length, b => server.Device.Bytes.AsSpan(b * MemoryDevice.Block, 100).ContainsAnyExcept((byte)0) ? 0u : 3));
            Expand(status["qemu:dirty-bitmap:changes"], offset).Should().Equal(Blocks(offset, length, b => (uint)(bits[b / 8] >> (7 - b % 8) & 1)));
            var one = await client.StatusAsync(offset, (uint)length, CommandFlags.ReqOne);
            one["base:allocation"].Should().Equal(status["base:allocation"][0]);
            one["qemu:dirty-bitmap:changes"].Should().Equal(status["qemu:dirty-bitmap:changes"][0]);
        }
    }

    [Fact]
    public async Task Answers_with_very_many_runs_stop_early_and_are_continued()
    {
        await using var server = new LoopbackServer(MemoryDevice.Block * 1024);
        for (var block = 0; block < 1024; block += 2)
            server.Device.Fill(1, block * MemoryDevice.Block, 1);
        var bits = new byte[1024 * 16 / 8];
        Array.Fill(bits, (byte)0b0101_0101);
        server.Changes = new(4096, bits);
        await using var client = await server.OpenAsync("disk", true, "qemu:dirty-bitmap:changes", "base:allocation");
        var seen = 0u;
        var rounds = 0;
        while (seen < server.Device.VirtualSize)
        {
            var runs = (await client.StatusAsync(seen, (uint)server.Device.VirtualSize - seen))["qemu:dirty-bitmap:changes"];
            runs.Count.Should().BeLessThanOrEqualTo(NbdLimits.MostDescriptors);
            foreach (var (length, state) in runs)
            {
                length.Should().Be(4096);
                state.Should().Be(seen / 4096 % 2);
                seen += length;
            }

            rounds++;
        }

        rounds.Should().BeInRange(4, 10);
    }

    [Fact]
    public void Runs_of_a_bitmap_are_the_longest_ones()
    {
        var random = new Random(1);
        for (var round = 0; round < 200; round++)
        {
            var bits = new byte[1 + random.Next(40)];
            for (var i = 0; i < bits.Length; i++)
                bits[i] = random.Next(4) switch { 0 => 0, 1 => 0xff, 2 => 0x0f, _ => (byte)random.Next(256) };
            var bitmap = new NbdBitmap(512, bits);
            var end = bits.Length * 8 * 512L - random.Next(511);
            for (var offset = (long)random.Next(512); offset < end;)
            {
                var (changed, next) = bitmap.RunAt(offset, end);
                bool At(long o) => (bits[o / 4096] >> (7 - (int)(o / 512 % 8)) & 1) != 0;
                for (var o = offset; o < next; o += 512)
                    At(o).Should().Be(changed);
                if (next < end)
                    At(next).Should().Be(!changed);
                offset = next;
            }
        }
    }

    [Fact]
    public void What_lies_behind_a_bitmap_counts_as_changed() =>
        new NbdBitmap(512, new byte[2]).RunAt(0, 20 * 512).Should().Be((false, 16 * 512));

    private static IEnumerable<(long Length, uint State)> Blocks(long offset, long length, Func<int, uint> state)
    {
        for (var end = offset + length; offset < end;)
        {
            var next = Math.Min((offset / MemoryDevice.Block + 1) * MemoryDevice.Block, end);
            yield return (next - offset, state((int)(offset / MemoryDevice.Block)));
            offset = next;
        }
    }

    /// <summary>Runs over 64 KiB blocks, cut where blocks end.</summary>
    private static IEnumerable<(long Length, uint State)> Expand(List<(uint Length, uint State)> runs, long offset)
    {
        foreach (var (length, state) in runs)
        {
            foreach (var (part, _) in Blocks(offset, length, _ => state))
                yield return (part, state);
            offset += length;
        }
    }
}
