using System.Security;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Looks for SRs that nobody has introduced yet.</summary>
public sealed class SrProbe(RecordStore store, StorageHost storage)
{
    /// <summary>What the plugin finds; SR_UNKNOWN_DRIVER for a type without driver.</summary>
    public async ValueTask<IReadOnlyList<FoundSr>> FindAsync(XenStruct config, string type, CancellationToken cancellationToken)
    {
        SmRecords.RequireDriver(store.Current, type);
        PbdRecords.RequirePublicKeys(config);
        if (storage.PluginOf(type) is not { } plugin)
            throw new XenException("UNIMPLEMENTED_IN_SM_BACKEND", "SR.probe of type " + type);
        try
        {
            return await plugin.ProbeAsync(VdiService.Texts(config), cancellationToken);
        }
        catch (StorageException e) when (e.Fault == StorageFault.Unimplemented)
        {
            throw new XenException("UNIMPLEMENTED_IN_SM_BACKEND", "SR.probe of type " + type);
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            throw StorageErrors.Translate(e, "", "", "probe").AsException();
        }
    }

    /// <summary>The same as the XML that clients read. With <c>metadata</c> in sm_config, drivers tell whether a pool's records are there.</summary>
    public async ValueTask<string> TextAsync(XenStruct config, string type, XenStruct smConfig, CancellationToken cancellationToken)
    {
        var found = await FindAsync(config, type, cancellationToken);
        var metadata = smConfig["metadata"]?.ToString() == "true" && SmRecords.HasFeature(store.Current, type, "SR_METADATA");
        return "<?xml version=\"1.0\" ?><SRlist>" + string.Concat(found.Select(s => Element(s, metadata))) + "</SRlist>";
    }

    private string Element(FoundSr sr, bool metadata)
    {
        var uuid = sr.Uuid.ToString("D");
        var text = "<SR><UUID>" + uuid + "</UUID><size>" + sr.PhysicalSize + "</size>";
        if (!metadata)
            return text + "</SR>";
        var known = store.Current.FindByUuid(store.Model.Class("SR"), uuid);
        return text + "<name_label>" + SecurityElement.Escape(known?.Text("name_label") ?? "") + "</name_label><name_description>"
            + SecurityElement.Escape(known?.Text("name_description") ?? "") + "</name_description><pool_metadata_detected>false</pool_metadata_detected></SR>";
    }
}
