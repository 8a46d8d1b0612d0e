using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Commands;

/// <summary>All classes of fixed commands; each has one line here.</summary>
public static class CommandClasses
{
    public static XeCommandTable Bind(XeTables tables) => new XeCommandTable(tables)
        .Bind(new DiskTransferCommands())
        .Bind(new EventCommands())
        .Verify();
}
