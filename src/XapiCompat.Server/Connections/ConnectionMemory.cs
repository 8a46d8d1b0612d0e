using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace XapiCompat.Server.Connections;

/// <summary>
/// Memory in which connections receive. The transport fills one block with one call of the system, so that its own blocks of
/// 4 KiB bound the rate of uploads. A connection that waits has no block, and one that sends has as many as the transport's
/// limit of waiting bytes allows, whatever their size.
/// </summary>
internal sealed class ConnectionMemory : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    /// <summary>What clients send at a time; larger blocks fill the processor's cache and gain nothing.</summary>
    public const int BlockBytes = 64 * 1024;

    public override int MaxBufferSize => BlockBytes;

    /// <summary>A block of at least <see cref="BlockBytes"/>, from the shared arrays: idle ones are given back in time.</summary>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => Shared.Rent(Math.Max(minBufferSize, BlockBytes));

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    protected override void Dispose(bool disposing)
    {
        // Nothing is its own.
    }
}
