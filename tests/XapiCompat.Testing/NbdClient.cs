using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using XapiCompat.Nbd.Protocol;

namespace XapiCompat.Testing;

/// <summary>A plain NBD client that sends what a test says, right or wrong. One request at a time unless the test sends more.</summary>
public sealed class NbdClient : IAsyncDisposable
{
    private readonly Socket _socket;
    private ulong _cookie;

    private NbdClient(Socket socket)
    {
        _socket = socket;
        Stream = new NetworkStream(socket, ownsSocket: true);
    }

    public Stream Stream { get; private set; }

    public bool Structured { get; private set; }

    public long Size { get; private set; }

    public TransmissionFlags Flags { get; private set; }

    /// <summary>Ids of chosen contexts by name.</summary>
    public Dictionary<string, uint> Contexts { get; } = new(StringComparer.Ordinal);

    /// <summary>Connects and takes the greeting.</summary>
    public static async Task<NbdClient> ConnectAsync(IPEndPoint endpoint, HandshakeFlags flags = HandshakeFlags.FixedNewstyle | HandshakeFlags.NoZeroes)
    {
        var client = await ConnectBareAsync(endpoint);
        var greeting = await client.ReceiveAsync(18);
        if (BinaryPrimitives.ReadUInt64BigEndian(greeting) != NbdMagic.Greeting || BinaryPrimitives.ReadUInt64BigEndian(greeting.AsSpan(8)) != NbdMagic.Option)
            throw new InvalidDataException("no greeting");
        await client.SendAsync(UInt32((uint)flags));
        return client;
    }

    public static async Task<NbdClient> ConnectBareAsync(IPEndPoint endpoint)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(endpoint);
        return new(socket);
    }

    /// <summary>The usual way to an export: structured replies, contexts, GO.</summary>
    public static async Task<NbdClient> OpenAsync(IPEndPoint endpoint, string name, bool structured = true, params string[] contexts)
    {
        var client = await ConnectAsync(endpoint);
        if (structured)
            await client.StructuredAsync();
        if (contexts.Length > 0)
            await client.ChooseAsync(name, contexts);
        await client.GoAsync(name);
        return client;
    }

    public async Task SendAsync(params byte[][] parts) => await Stream.WriteAsync(parts.SelectMany(p => p).ToArray());

    public async Task<byte[]> ReceiveAsync(int count)
    {
        var buffer = new byte[count];
        using var cap = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await Stream.ReadExactlyAsync(buffer, cap.Token);
        return buffer;
    }

    /// <summary>True when the server has closed the connection, with or without more data before.</summary>
    public async Task<bool> IsClosedAsync(int seconds = 60)
    {
        using var cap = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        var buffer = new byte[4096];
        try
        {
            while (await Stream.ReadAsync(buffer, cap.Token) > 0)
            {
            }

            return true;
        }
        catch (IOException)
        {
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    public Task SendOptionAsync(NbdOption option, params byte[] data) =>
        SendAsync(UInt64(NbdMagic.Option), UInt32((uint)option), UInt32((uint)data.Length), data);

    public async Task<(NbdOptionReply Reply, byte[] Data)> ReceiveReplyAsync()
    {
        var head = await ReceiveAsync(20);
        if (BinaryPrimitives.ReadUInt64BigEndian(head) != NbdMagic.OptionReply)
            throw new InvalidDataException("no reply to an option");
        return ((NbdOptionReply)BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(12)), await ReceiveAsync(BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(16))));
    }

    /// <summary>All replies to an option; the last one is the acknowledgement or an error.</summary>
    public async Task<List<(NbdOptionReply Reply, byte[] Data)>> OptionAsync(NbdOption option, params byte[] data)
    {
        await SendOptionAsync(option, data);
        var replies = new List<(NbdOptionReply Reply, byte[] Data)>();
        do
            replies.Add(await ReceiveReplyAsync());
        while (replies[^1].Reply != NbdOptionReply.Ack && (uint)replies[^1].Reply < 1u << 31);
        return replies;
    }

    /// <summary>The last reply to an option.</summary>
    public async Task<NbdOptionReply> OutcomeAsync(NbdOption option, params byte[] data) => (await OptionAsync(option, data))[^1].Reply;

    public async Task StructuredAsync()
    {
        Require(await OutcomeAsync(NbdOption.StructuredReply));
        Structured = true;
    }

    public async Task StartTlsAsync()
    {
        Require(await OutcomeAsync(NbdOption.StartTls));
#pragma warning disable CA5359 // The server's certificate is its own.
        var tls = new SslStream(Stream, false, (_, _, _, _) => true);
#pragma warning restore CA5359
        await tls.AuthenticateAsClientAsync("localhost");
        Stream = tls;
        Structured = false;
    }

    public async Task<List<string>> ListContextsAsync(string name, params string[] queries)
    {
        var replies = await OptionAsync(NbdOption.ListMetaContext, ContextQuery(name, queries));
        Require(replies[^1].Reply);
        return [.. replies.SkipLast(1).Select(r => Encoding.UTF8.GetString(r.Data.AsSpan(4)))];
    }

    public async Task<List<string>> ChooseAsync(string name, params string[] queries)
    {
        var replies = await OptionAsync(NbdOption.SetMetaContext, ContextQuery(name, queries));
        Require(replies[^1].Reply);
        Contexts.Clear();
        foreach (var (_, data) in replies.SkipLast(1))
            Contexts[Encoding.UTF8.GetString(data.AsSpan(4))] = BinaryPrimitives.ReadUInt32BigEndian(data);
        return [.. Contexts.Keys];
    }

    public static byte[] ContextQuery(string name, params string[] queries) =>
        [.. String(name), .. UInt32((uint)queries.Length), .. queries.SelectMany(String)];

    public static byte[] GoData(string name, params NbdInfo[] infos) =>
        [.. String(name), .. UInt16((ushort)infos.Length), .. infos.SelectMany(i => UInt16((ushort)i))];

    /// <summary>Opens an export and returns what was told of it beside size and flags.</summary>
    public async Task<Dictionary<NbdInfo, byte[]>> GoAsync(string name, params NbdInfo[] infos)
    {
        var replies = await OptionAsync(NbdOption.Go, GoData(name, infos));
        Require(replies[^1].Reply);
        var told = replies.SkipLast(1).ToDictionary(r => (NbdInfo)BinaryPrimitives.ReadUInt16BigEndian(r.Data), r => r.Data[2..]);
        Take(told[NbdInfo.Export]);
        return told;
    }

    public async Task ExportNameAsync(string name, bool zeroes)
    {
        await SendOptionAsync(NbdOption.ExportName, Encoding.UTF8.GetBytes(name));
        Take(await ReceiveAsync(zeroes ? 134 : 10));
    }

    /// <summary>Sends a request and returns its cookie.</summary>
    public async Task<ulong> RequestAsync(NbdCommand command, long offset, uint length, CommandFlags flags = CommandFlags.None, byte[]? data = null)
    {
        await SendAsync(RequestHead(command, ++_cookie, (ulong)offset, length, flags), data ?? []);
        return _cookie;
    }

    public static byte[] RequestHead(NbdCommand command, ulong cookie, ulong offset, uint length, CommandFlags flags = CommandFlags.None) =>
        [.. UInt32(NbdMagic.Request), .. UInt16((ushort)flags), .. UInt16((ushort)command), .. UInt64(cookie), .. UInt64(offset), .. UInt32(length)];

    /// <summary>The next simple reply or chunk; data follows a simple reply only where the caller says so.</summary>
    public async Task<NbdMessage> ReceiveMessageAsync(int dataOfSimple = 0)
    {
        var head = await ReceiveAsync(16);
        switch (BinaryPrimitives.ReadUInt32BigEndian(head))
        {
            case NbdMagic.SimpleReply:
                var error = (NbdError)BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(4));
                return new(BinaryPrimitives.ReadUInt64BigEndian(head.AsSpan(8)), true, null, error, error == NbdError.None ? await ReceiveAsync(dataOfSimple) : []);
            case NbdMagic.StructuredReply:
                var data = await ReceiveAsync(BinaryPrimitives.ReadInt32BigEndian(await ReceiveAsync(4)));
                var type = (ChunkType)BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(6));
                return new(
                    BinaryPrimitives.ReadUInt64BigEndian(head.AsSpan(8)),
                    (head[5] & 1) != 0,
                    type,
                    ((int)type & 1 << 15) != 0 ? (NbdError)BinaryPrimitives.ReadUInt32BigEndian(data) : NbdError.None,
                    data);
            default:
                throw new InvalidDataException("no reply: " + Convert.ToHexString(head));
        }
    }

    /// <summary>Reads; throws <see cref="NbdFailure"/> when the server answers with an error.</summary>
    public async Task<byte[]> ReadAsync(long offset, int length, CommandFlags flags = CommandFlags.None)
    {
        await RequestAsync(NbdCommand.Read, offset, (uint)length, flags);
        var result = new byte[length];
        Array.Fill(result, (byte)0xA5);
        var covered = 0L;
        while (true)
        {
            var message = await ReceiveMessageAsync(length);
            if (message.Error != NbdError.None)
                throw new NbdFailure(message.Error);
            covered += message.CopyTo(result, offset);
            if (message.Done)
                return covered == length ? result : throw new InvalidDataException($"{covered} of {length} bytes came");
        }
    }

    /// <summary>A request without data in its answer; the error that it ends with.</summary>
    public async Task<NbdError> DoAsync(NbdCommand command, long offset = 0, uint length = 0, CommandFlags flags = CommandFlags.None, byte[]? data = null)
    {
        await RequestAsync(command, offset, length, flags, data);
        return (await ReceiveMessageAsync()).Error;
    }

    public Task<NbdError> WriteAsync(long offset, byte[] data, CommandFlags flags = CommandFlags.None) =>
        DoAsync(NbdCommand.Write, offset, (uint)data.Length, flags, data);

    /// <summary>Block descriptors by context, as one answer has them.</summary>
    public async Task<Dictionary<string, List<(uint Length, uint State)>>> StatusAsync(long offset, uint length, CommandFlags flags = CommandFlags.None)
    {
        await RequestAsync(NbdCommand.BlockStatus, offset, length, flags);
        var result = new Dictionary<string, List<(uint, uint)>>(StringComparer.Ordinal);
        while (true)
        {
            var message = await ReceiveMessageAsync();
            if (message.Error != NbdError.None)
                throw new NbdFailure(message.Error);
            var id = BinaryPrimitives.ReadUInt32BigEndian(message.Data);
            var runs = new List<(uint, uint)>();
            for (var at = 4; at < message.Data.Length; at += 8)
                runs.Add((BinaryPrimitives.ReadUInt32BigEndian(message.Data.AsSpan(at)), BinaryPrimitives.ReadUInt32BigEndian(message.Data.AsSpan(at + 4))));
            result.Add(Contexts.Single(c => c.Value == id).Key, runs);
            if (message.Done)
                return result;
        }
    }

    public ValueTask DisposeAsync() => Stream.DisposeAsync();

    /// <summary>Ends with a reset instead of an orderly close.</summary>
    public void Vanish()
    {
        _socket.LingerState = new(true, 0);
        _socket.Dispose();
    }

    public static byte[] UInt16(ushort value)
    {
        var bytes = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, value);
        return bytes;
    }

    public static byte[] UInt32(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    public static byte[] UInt64(ulong value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes;
    }

    public static byte[] String(string text) => [.. UInt32((uint)Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];

    private void Take(byte[] export)
    {
        Size = BinaryPrimitives.ReadInt64BigEndian(export);
        Flags = (TransmissionFlags)BinaryPrimitives.ReadUInt16BigEndian(export.AsSpan(8));
    }

    private static void Require(NbdOptionReply reply)
    {
        if (reply != NbdOptionReply.Ack)
            throw new InvalidDataException("the option was answered with " + reply);
    }
}
