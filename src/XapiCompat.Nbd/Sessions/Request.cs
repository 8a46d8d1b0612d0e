using System.Buffers.Binary;
using XapiCompat.Nbd.Protocol;

namespace XapiCompat.Nbd.Sessions;

/// <summary>One request; its head has 28 bytes.</summary>
/// <param name="Cookie">The client's own number for it.</param>
internal readonly record struct Request(CommandFlags Flags, NbdCommand Command, ulong Cookie, ulong Offset, uint Length)
{
    public const int HeadBytes = 28;

    public long Start => (long)Offset;

    public static Request Parse(ReadOnlySpan<byte> head)
    {
        if (BinaryPrimitives.ReadUInt32BigEndian(head) != NbdMagic.Request)
            throw new NbdDisconnect("no request");
        return new(
            (CommandFlags)BinaryPrimitives.ReadUInt16BigEndian(head[4..]),
            (NbdCommand)BinaryPrimitives.ReadUInt16BigEndian(head[6..]),
            BinaryPrimitives.ReadUInt64BigEndian(head[8..]),
            BinaryPrimitives.ReadUInt64BigEndian(head[16..]),
            BinaryPrimitives.ReadUInt32BigEndian(head[24..]));
    }

    /// <summary>What is wrong with it, before anything is touched.</summary>
    public NbdError Check(NbdExport export, Agreement agreed)
    {
        if ((Flags & ~Known(agreed)) != 0)
            return NbdError.Inval;
        switch (Command)
        {
            case NbdCommand.Flush:
                return NbdError.None;
            case NbdCommand.Read when Length > NbdLimits.LongestRequest:
                return NbdError.Inval;
            case NbdCommand.BlockStatus when agreed.Contexts.Count == 0:
                return NbdError.Inval;
            case NbdCommand.Read or NbdCommand.Write or NbdCommand.Trim or NbdCommand.WriteZeroes or NbdCommand.Cache or NbdCommand.BlockStatus:
                break;
            default:
                return NbdError.Inval;
        }

        if (Writes && export.ReadOnly)
            return NbdError.Perm;
        var size = (ulong)export.Device.VirtualSize;
        if (Offset > size || Length > size - Offset)
            return Command is NbdCommand.Write or NbdCommand.WriteZeroes ? NbdError.NoSpc : NbdError.Inval;
        return Length == 0 ? NbdError.Inval : NbdError.None;
    }

    private bool Writes => Command is NbdCommand.Write or NbdCommand.Trim or NbdCommand.WriteZeroes;

    private CommandFlags Known(Agreement agreed) => CommandFlags.Fua | Command switch
    {
        NbdCommand.Read when agreed.Structured => CommandFlags.DontFragment,
        NbdCommand.WriteZeroes => CommandFlags.NoHole | CommandFlags.FastZero,
        NbdCommand.BlockStatus => CommandFlags.ReqOne,
        _ => CommandFlags.None,
    };
}
