using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Exports;
using XapiCompat.Nbd;
using XapiCompat.Nbd.Protocol;
using XapiCompat.Values;

namespace XapiCompat.Server.Nbd;

/// <summary>
/// What one connection may open: the exports that were started by name, and, where a network is meant for NBD, every disk
/// that its session may export (<c>/UUID?session_id=REF</c>). Those are read-only and show a disk as it was when it was opened.
/// </summary>
/// <param name="disks">False: no network is meant for NBD.</param>
internal sealed class ConnectionExports(NbdServices services, bool disks, CallOrigin origin) : INbdExports
{
    private const string SessionParameter = "session_id=";

    public IReadOnlyList<NbdListing> List() => [.. services.Live.List().Select(e => new NbdListing(e.Name, Describe(e)))];

    public async ValueTask<NbdExport> OpenAsync(string name, CancellationToken cancellationToken)
    {
        if (!name.StartsWith('/'))
            return OpenLive(name);
        if (!disks)
            throw new NbdDisconnect("no network is meant for NBD");
        try
        {
            return await OpenDiskAsync(name, cancellationToken);
        }
        catch (XenException e)
        {
            var reply = e.Failure.Code is "SESSION_INVALID" or "SESSION_AUTHENTICATION_FAILED" or "RBAC_PERMISSION_DENIED"
                ? NbdOptionReply.ErrPolicy
                : NbdOptionReply.ErrUnknown;
            throw new NbdRefusal(reply, e.Failure.Code);
        }
    }

    private NbdExport OpenLive(string name)
    {
        // A client that gives no name gets the one export that there is.
        var found = name.Length > 0 ? services.Live.Find(name) : services.Live.List() is [var only] ? only : null;
        if (found is not { } export || !export.TryEnter())
            throw new NbdRefusal(NbdOptionReply.ErrUnknown, "there is no such export");
        return new()
        {
            Name = name,
            Description = Describe(export),
            Device = export.Device,
            ReadOnly = !export.Writable,
            DirtyBitmaps = new DirtyBitmaps(services.Store, services.Storage, export.Vdi),
            Ending = export.Ending,
            Release = () =>
            {
                export.Leave();
                return ValueTask.CompletedTask;
            },
        };
    }

    private async ValueTask<NbdExport> OpenDiskAsync(string name, CancellationToken cancellationToken)
    {
        var query = name.IndexOf('?', StringComparison.Ordinal);
        if (query < 0 || !Guid.TryParseExact(name.AsSpan(1, query - 1), "D", out var uuid))
            throw new NbdRefusal(NbdOptionReply.ErrUnknown, "the name is not /UUID?session_id=REFERENCE");
        var session = name[(query + 1)..].Split('&').FirstOrDefault(p => p.StartsWith(SessionParameter, StringComparison.Ordinal))?[SessionParameter.Length..];
        if (string.IsNullOrEmpty(session))
            throw new NbdRefusal(NbdOptionReply.ErrPolicy, "the name holds no session");
        if (!services.TryTakePlace())
            throw new NbdDisconnect("there are enough connections");
        try
        {
            var source = await services.Transfers.OpenReadOnlyAsync(
                new(Uri.UnescapeDataString(session), null, null, "nbd", origin), "get_export_raw_vdi", uuid.ToString("D"), cancellationToken);
            return new()
            {
                Name = name,
                Description = "VDI " + source.VdiUuid.ToString("D"),
                Device = source.Device,
                ReadOnly = true,
                DirtyBitmaps = new DirtyBitmaps(services.Store, services.Storage, source.VdiRef),
                Release = async () =>
                {
                    services.GivePlaceBack();
                    await source.DisposeAsync();
                },
            };
        }
        catch
        {
            services.GivePlaceBack();
            throw;
        }
    }

    private static string Describe(LiveExport export) => "VDI " + export.VdiUuid + (export.Writable ? ", writable" : ", read-only");
}
