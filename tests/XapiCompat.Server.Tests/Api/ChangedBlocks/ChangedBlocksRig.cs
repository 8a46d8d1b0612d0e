using System.Text.Json.Nodes;
using XapiCompat.Server.Tests.Support;

namespace XapiCompat.Server.Tests.Api.ChangedBlocks;

/// <summary>Tracked disks as a backup client uses them.</summary>
internal sealed class ChangedBlocksRig(DiskClient disks)
{
    public const int Block = 65536;

    public DiskClient Disks { get; } = disks;

    public XenClient Api => Disks.Api;

    public static async Task<ChangedBlocksRig> LoginAsync(RunningServer server) => new(await DiskClient.LoginAsync(server));

    public async Task<string> TrackedAsync(long size = 4 * Records.MiB, string name = "tracked")
    {
        var vdi = await Disks.CreateAsync(size, name);
        await Api.CallAsync("VDI.enable_cbt", vdi);
        return vdi;
    }

    public Task<string> SnapshotAsync(string vdi) => Api.TextAsync("VDI.snapshot", vdi);

    /// <summary>Writes a sector in each of some 64 KiB blocks.</summary>
    public async Task WriteAsync(string vdi, params int[] blocks)
    {
        var size = (await Disks.RecordAsync(vdi))["virtual_size"]!;
        var sectors = blocks.ToDictionary(b => (b * (long)Block / 512) + 7, b => Enumerable.Repeat((byte)(b + 1), 512).ToArray());
        await Disks.ImportAsync(vdi, SparseVhd.Write(long.Parse(size.ToString()), sectors), "vhd");
    }

    public async Task<IReadOnlyList<int>> ChangedAsync(string from, string to) => Blocks(await Api.TextAsync("VDI.list_changed_blocks", from, to));

    public static IReadOnlyList<int> Blocks(string bitmap)
    {
        var bytes = Convert.FromBase64String(bitmap);
        return [.. Enumerable.Range(0, bytes.Length * 8).Where(i => (bytes[i / 8] & (0x80 >> (i % 8))) != 0)];
    }

    public async Task<bool> IsTrackedAsync(string vdi) => await Api.FlagAsync("VDI.get_cbt_enabled", vdi);

    public Task<string> TypeAsync(string vdi) => Api.TextAsync("VDI.get_type", vdi);

    public async Task<IReadOnlyList<JsonObject>> MessagesAsync(string name) =>
        [.. (await Api.CallAsync("message.get_all_records")).AsObject().Select(p => p.Value!.AsObject()).Where(m => m["name"]!.GetValue<string>() == name)];
}
