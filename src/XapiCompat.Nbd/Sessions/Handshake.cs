using System.Buffers.Binary;
using System.Net.Security;
using System.Security.Authentication;
using XapiCompat.Nbd.Protocol;

namespace XapiCompat.Nbd.Sessions;

/// <summary>
/// The first phase: greeting and options, until an export is chosen. The export that was named last stays open, because
/// clients name it several times; it is closed with the handshake, which lives as long as the session.
/// </summary>
internal sealed class Handshake(Stream stream, INbdExports exports, NbdSessionOptions options) : IAsyncDisposable
{
    private const int PaddingOfExportName = 124;

    private bool _fixedNewstyle;
    private bool _noZeroes;
    private bool _structured;
    private bool _isTls;
    private string? _contextsFor;
    private List<ChosenContext> _contexts = [];

    /// <summary>The caller's, or the TLS that was put on it.</summary>
    public Stream Stream { get; private set; } = stream;

    public NbdInput Input { get; private set; } = new(stream);

    public NbdExport? Export { get; private set; }

    public Agreement Agreed => new(_structured, _contextsFor == Export!.Name ? _contexts : []);

    /// <summary>True when an export was chosen and data may flow; false when the client gave up.</summary>
    public async ValueTask<bool> RunAsync(CancellationToken cancellationToken)
    {
        var head = new byte[18];
        BinaryPrimitives.WriteUInt64BigEndian(head, NbdMagic.Greeting);
        BinaryPrimitives.WriteUInt64BigEndian(head.AsSpan(8), NbdMagic.Option);
        BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(16), (ushort)(HandshakeFlags.FixedNewstyle | HandshakeFlags.NoZeroes));
        await Stream.WriteAsync(head, cancellationToken);
        await Input.FillAsync(head.AsMemory(0, 4), cancellationToken);
        var flags = BinaryPrimitives.ReadUInt32BigEndian(head);
        if ((flags & ~(uint)(HandshakeFlags.FixedNewstyle | HandshakeFlags.NoZeroes)) != 0)
            throw new NbdDisconnect("unknown client flags");
        _fixedNewstyle = (flags & (uint)HandshakeFlags.FixedNewstyle) != 0;
        _noZeroes = (flags & (uint)HandshakeFlags.NoZeroes) != 0;

        for (var count = 0; count < NbdLimits.MostOptions; count++)
        {
            await Input.FillAsync(head.AsMemory(0, 16), cancellationToken);
            if (BinaryPrimitives.ReadUInt64BigEndian(head) != NbdMagic.Option)
                throw new NbdDisconnect("no option");
            var option = (NbdOption)BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(8));
            var length = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(12));
            switch (await HandleAsync(option, length, cancellationToken))
            {
                case Next.Transmission: return true;
                case Next.End: return false;
            }
        }

        throw new NbdDisconnect("too many options");
    }

    public async ValueTask DisposeAsync()
    {
        if (Export is { } export)
            await export.DisposeAsync();
    }

    private async ValueTask<Next> HandleAsync(NbdOption option, uint length, CancellationToken cancellationToken)
    {
        var replies = new OptionReplies((uint)option);
        var next = Next.Option;
        try
        {
            var data = await ReadDataAsync(length, cancellationToken);
            if (!_fixedNewstyle && option != NbdOption.ExportName)
                throw new NbdDisconnect("an option that an old client cannot know");
            if (options.Tls == NbdTlsMode.Required && !_isTls && option is not (NbdOption.StartTls or NbdOption.Abort))
                throw new NbdRefusal(NbdOptionReply.ErrTlsReqd, "use NBD_OPT_STARTTLS first");
            next = option switch
            {
                NbdOption.ExportName => await ExportNameAsync(data, cancellationToken),
                NbdOption.Abort => Abort(replies),
                NbdOption.List => List(data, replies),
                NbdOption.StartTls => await StartTlsAsync(data, replies, cancellationToken),
                NbdOption.Info => await InfoAsync(data, replies, Next.Option, cancellationToken),
                NbdOption.Go => await InfoAsync(data, replies, Next.Transmission, cancellationToken),
                NbdOption.StructuredReply => StructuredReply(data, replies),
                NbdOption.ListMetaContext => await MetaContextAsync(data, replies, choose: false, cancellationToken),
                NbdOption.SetMetaContext => await MetaContextAsync(data, replies, choose: true, cancellationToken),
                _ => throw new NbdRefusal(NbdOptionReply.ErrUnsup, "the option is not known"),
            };
        }
        catch (NbdRefusal refusal)
        {
            // This option has no reply that could say no.
            if (option == NbdOption.ExportName)
                throw new NbdDisconnect(refusal.Message);
            replies = new OptionReplies((uint)option).AddError(refusal);
        }

        if (replies.Bytes.Length > 0)
            await Stream.WriteAsync(replies.Bytes, cancellationToken);
        return next;
    }

    private async ValueTask<byte[]> ReadDataAsync(uint length, CancellationToken cancellationToken)
    {
        if (length > NbdLimits.LongestSkippedOption)
            throw new NbdDisconnect("an option of " + length + " bytes");
        if (length > NbdLimits.LongestOption)
        {
            await Input.SkipAsync(length, cancellationToken);
            throw new NbdRefusal(NbdOptionReply.ErrTooBig, "the option's data is too long");
        }

        var data = new byte[length];
        await Input.FillAsync(data, cancellationToken);
        return data;
    }

    private async ValueTask<Next> ExportNameAsync(byte[] data, CancellationToken cancellationToken)
    {
        if (data.Length > NbdLimits.LongestString)
            throw new NbdDisconnect("the name is too long");
        var export = await OpenAsync(OptionReader.Text(data), cancellationToken);
        var answer = new byte[_noZeroes ? 10 : 10 + PaddingOfExportName];
        OptionReplies.WriteExport(answer, export);
        await Stream.WriteAsync(answer, cancellationToken);
        return Next.Transmission;
    }

    private static Next Abort(OptionReplies replies)
    {
        replies.Add(NbdOptionReply.Ack);
        return Next.End;
    }

    private Next List(byte[] data, OptionReplies replies)
    {
        new OptionReader(data).AssertEnd();
        foreach (var listing in exports.List())
            replies.AddServer(listing);
        replies.Add(NbdOptionReply.Ack);
        return Next.Option;
    }

    private async ValueTask<Next> StartTlsAsync(byte[] data, OptionReplies replies, CancellationToken cancellationToken)
    {
        new OptionReader(data).AssertEnd();
        if (_isTls)
            throw new NbdRefusal(NbdOptionReply.ErrInvalid, "TLS is on already");
        if (options.Certificate is not { } certificate)
            throw new NbdRefusal(NbdOptionReply.ErrPolicy, "there is no TLS here");
        // What was sent in the clear before the answer would count as said under TLS.
        if (Input.Buffered > 0)
            throw new NbdDisconnect("data between NBD_OPT_STARTTLS and its answer");
        replies.Add(NbdOptionReply.Ack);
        await Stream.WriteAsync(replies.Bytes, cancellationToken);
        var tls = new SslStream(Stream, leaveInnerStreamOpen: true);
        Stream = tls;
        await tls.AuthenticateAsServerAsync(
            new SslServerAuthenticationOptions { ServerCertificate = certificate(), EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13 }, cancellationToken);
        Input = new(tls);
        _isTls = true;
        (_structured, _contextsFor, _contexts) = (false, null, []);
        replies.Clear();
        return Next.Option;
    }

    private async ValueTask<Next> InfoAsync(byte[] data, OptionReplies replies, Next next, CancellationToken cancellationToken)
    {
        var (name, wanted) = Parse(data);
        var export = await OpenAsync(name, cancellationToken);
        replies.AddExport(export);
        if (wanted.Contains((ushort)NbdInfo.Name))
            replies.AddInfo(NbdInfo.Name, export.Name);
        if (wanted.Contains((ushort)NbdInfo.Description))
            replies.AddInfo(NbdInfo.Description, export.Description);
        if (wanted.Contains((ushort)NbdInfo.BlockSize))
            replies.AddBlockSizes();
        replies.Add(NbdOptionReply.Ack);
        return next;

        static (string Name, List<ushort> Wanted) Parse(byte[] data)
        {
            var reader = new OptionReader(data);
            var name = reader.ReadString();
            var count = reader.ReadUInt16();
            var wanted = new List<ushort>();
            for (var i = 0; i < count; i++)
                wanted.Add(reader.ReadUInt16());
            reader.AssertEnd();
            return (name, wanted);
        }
    }

    private Next StructuredReply(byte[] data, OptionReplies replies)
    {
        new OptionReader(data).AssertEnd();
        _structured = true;
        replies.Add(NbdOptionReply.Ack);
        return Next.Option;
    }

    private async ValueTask<Next> MetaContextAsync(byte[] data, OptionReplies replies, bool choose, CancellationToken cancellationToken)
    {
        if (choose)
            (_contextsFor, _contexts) = (null, []);
        if (!_structured)
            throw new NbdRefusal(NbdOptionReply.ErrInvalid, "contexts need structured replies");
        var (name, queries) = Parse(data);
        var export = await OpenAsync(name, cancellationToken);
        if (choose)
        {
            _contexts = await MetaContexts.ChooseAsync(export, queries, cancellationToken);
            _contextsFor = export.Name;
            _contexts.ForEach(context => replies.AddContext(context.Id, context.Name));
        }
        else
        {
            foreach (var context in await MetaContexts.ListAsync(export, queries, cancellationToken))
                replies.AddContext(0, context);
        }

        replies.Add(NbdOptionReply.Ack);
        return Next.Option;

        static (string Name, List<string> Queries) Parse(byte[] data)
        {
            var reader = new OptionReader(data);
            var name = reader.ReadString();
            var count = reader.ReadUInt32();
            var queries = new List<string>();
            for (var i = 0u; i < count; i++)
                queries.Add(reader.ReadString());
            reader.AssertEnd();
            return (name, queries);
        }
    }

    private async ValueTask<NbdExport> OpenAsync(string name, CancellationToken cancellationToken)
    {
        if (Export is { } open)
        {
            if (open.Name == name && !open.Ending.IsCancellationRequested)
                return open;
            Export = null;
            await open.DisposeAsync();
        }

        return Export = await exports.OpenAsync(name, cancellationToken);
    }

    private enum Next
    {
        Option,
        Transmission,
        End,
    }
}
