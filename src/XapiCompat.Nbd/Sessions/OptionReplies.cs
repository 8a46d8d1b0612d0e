using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using XapiCompat.Nbd.Protocol;

namespace XapiCompat.Nbd.Sessions;

/// <summary>Puts the replies to one option together; they are sent at once.</summary>
internal sealed class OptionReplies(uint option)
{
    private readonly ArrayBufferWriter<byte> _bytes = new(256);

    public ReadOnlyMemory<byte> Bytes => _bytes.WrittenMemory;

    public void Clear() => _bytes.Clear();

    public OptionReplies Add(NbdOptionReply reply, params ReadOnlySpan<byte> data)
    {
        var head = _bytes.GetSpan(20);
        BinaryPrimitives.WriteUInt64BigEndian(head, NbdMagic.OptionReply);
        BinaryPrimitives.WriteUInt32BigEndian(head[8..], option);
        BinaryPrimitives.WriteUInt32BigEndian(head[12..], (uint)reply);
        BinaryPrimitives.WriteInt32BigEndian(head[16..], data.Length);
        _bytes.Advance(20);
        _bytes.Write(data);
        return this;
    }

    public OptionReplies AddError(NbdRefusal refusal) => Add(refusal.Reply, Encoding.UTF8.GetBytes(refusal.Message));

    public OptionReplies AddServer(NbdListing listing)
    {
        var name = Encoding.UTF8.GetBytes(listing.Name);
        var data = new byte[4 + name.Length + Encoding.UTF8.GetByteCount(listing.Description)];
        BinaryPrimitives.WriteInt32BigEndian(data, name.Length);
        name.CopyTo(data, 4);
        Encoding.UTF8.GetBytes(listing.Description, data.AsSpan(4 + name.Length));
        return Add(NbdOptionReply.Server, data);
    }

    public OptionReplies AddContext(uint id, string name)
    {
        var data = new byte[4 + Encoding.UTF8.GetByteCount(name)];
        BinaryPrimitives.WriteUInt32BigEndian(data, id);
        Encoding.UTF8.GetBytes(name, data.AsSpan(4));
        return Add(NbdOptionReply.MetaContext, data);
    }

    public OptionReplies AddInfo(NbdInfo kind, string text)
    {
        var data = new byte[2 + Encoding.UTF8.GetByteCount(text)];
        BinaryPrimitives.WriteUInt16BigEndian(data, (ushort)kind);
        Encoding.UTF8.GetBytes(text, data.AsSpan(2));
        return Add(NbdOptionReply.Info, data);
    }

    public OptionReplies AddBlockSizes()
    {
        Span<byte> data = stackalloc byte[14];
        BinaryPrimitives.WriteUInt16BigEndian(data, (ushort)NbdInfo.BlockSize);
        BinaryPrimitives.WriteUInt32BigEndian(data[2..], 1);
        BinaryPrimitives.WriteUInt32BigEndian(data[6..], NbdLimits.PreferredBlock);
        BinaryPrimitives.WriteUInt32BigEndian(data[10..], NbdLimits.LongestRequest);
        return Add(NbdOptionReply.Info, data);
    }

    public OptionReplies AddExport(NbdExport export)
    {
        Span<byte> data = stackalloc byte[12];
        BinaryPrimitives.WriteUInt16BigEndian(data, (ushort)NbdInfo.Export);
        WriteExport(data[2..], export);
        return Add(NbdOptionReply.Info, data);
    }

    /// <summary>Size and flags, as NBD_OPT_EXPORT_NAME answers too.</summary>
    public static void WriteExport(Span<byte> data, NbdExport export)
    {
        BinaryPrimitives.WriteInt64BigEndian(data, export.Device.VirtualSize);
        BinaryPrimitives.WriteUInt16BigEndian(data[8..], (ushort)FlagsOf(export));
    }

    private static TransmissionFlags FlagsOf(NbdExport export)
    {
        // All connections to a disk use one device, so that one flush covers the writes of them all.
        const TransmissionFlags Always = TransmissionFlags.HasFlags | TransmissionFlags.SendFlush | TransmissionFlags.SendFua
            | TransmissionFlags.SendDf | TransmissionFlags.CanMultiConn | TransmissionFlags.SendCache;
        return Always | (export.ReadOnly
            ? TransmissionFlags.ReadOnly
            : TransmissionFlags.SendTrim | TransmissionFlags.SendWriteZeroes | TransmissionFlags.SendFastZero);
    }
}
