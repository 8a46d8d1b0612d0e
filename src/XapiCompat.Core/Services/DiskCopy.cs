using System.Security.Cryptography;
using XapiCompat.Disks;

namespace XapiCompat.Core.Services;

/// <summary>Moves and reads whole disks by their extents: holes cost nothing.</summary>
internal static class DiskCopy
{
    private const int Piece = 1 << 20;
    private const long Window = 256L << 20;

    /// <summary>
    /// Makes the first bytes of <paramref name="target"/> equal to <paramref name="source"/>: all of them, or the ranges in
    /// <paramref name="changed"/> when the target holds the rest already. Durable on return.
    /// </summary>
    /// <param name="targetIsEmpty">True when the target reads as zeroes everywhere, so that zeroes need no write.</param>
    /// <param name="progress">0 to 1.</param>
    public static async ValueTask RunAsync(
        IBlockDevice source, IBlockDevice target, IReadOnlyList<Extent>? changed, bool targetIsEmpty, Action<double> progress, CancellationToken cancellationToken)
    {
        var ranges = changed ?? [new Extent(0, source.VirtualSize, ExtentKind.Data)];
        var total = Math.Max(1, ranges.Sum(r => r.Length));
        var buffer = new byte[Piece];
        long passed = 0;
        foreach (var range in ranges)
        {
            for (var at = range.Offset; at < range.End; at += Window)
            {
                var length = Math.Min(Window, range.End - at);
                foreach (var extent in await source.ExtentsAsync(at, length, cancellationToken))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (extent.Kind == ExtentKind.Data)
                        await CopyAsync(source, target, extent, buffer, targetIsEmpty, n => progress((double)(passed + n) / total), cancellationToken);
                    else if (!targetIsEmpty)
                        await target.ZeroAsync(extent.Offset, extent.Length, cancellationToken);
                    passed += extent.Length;
                    progress((double)passed / total);
                }
            }
        }

        await target.FlushAsync(cancellationToken);
    }

    /// <summary>MD5 of all bytes in lower-case hex.</summary>
    public static async ValueTask<string> ChecksumAsync(IBlockDevice device, Action<double> progress, CancellationToken cancellationToken)
    {
#pragma warning disable CA5351 // VDI.checksum is MD5 by contract; nothing is protected by it.
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
#pragma warning restore CA5351
        var buffer = new byte[Piece];
        var zeroes = new byte[Piece];
        for (long at = 0; at < device.VirtualSize; at += Window)
        {
            foreach (var extent in await device.ExtentsAsync(at, Math.Min(Window, device.VirtualSize - at), cancellationToken))
            {
                for (var offset = extent.Offset; offset < extent.End; offset += Piece)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var length = (int)Math.Min(Piece, extent.End - offset);
                    if (extent.Kind == ExtentKind.Data)
                        await device.ReadAsync(offset, buffer.AsMemory(0, length), cancellationToken);
                    hash.AppendData((extent.Kind == ExtentKind.Data ? buffer : zeroes).AsSpan(0, length));
                }
            }

            progress((double)at / device.VirtualSize);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static async ValueTask CopyAsync(
        IBlockDevice source, IBlockDevice target, Extent extent, byte[] buffer, bool targetIsEmpty, Action<long> progress, CancellationToken cancellationToken)
    {
        for (var offset = extent.Offset; offset < extent.End; offset += Piece)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var piece = buffer.AsMemory(0, (int)Math.Min(Piece, extent.End - offset));
            await source.ReadAsync(offset, piece, cancellationToken);
            if (piece.Span.ContainsAnyExcept((byte)0))
                await target.WriteAsync(offset, piece, cancellationToken);
            else if (!targetIsEmpty)
                await target.ZeroAsync(offset, piece.Length, cancellationToken);
            progress(offset - extent.Offset + piece.Length);
        }
    }
}
