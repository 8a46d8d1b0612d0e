using XapiCompat.Values;
using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Devices;

/// <summary>Sites of provisioning services, their servers, proxies and caches.</summary>
public static class PvsCommands
{
    [XeCommand("pvs-site-introduce")]
    public static Task IntroduceSiteAsync(XeCall call) => call.CreateAsync(
        "PVS_site.introduce", call.Parameters.Required("name-label"), call.Parameters.Text("name-description"), call.Parameters.Text("pvs-uuid"));

    [XeCommand("pvs-site-forget")]
    public static Task ForgetSiteAsync(XeCall call) => call.ActAsync("PVS_site.forget");

    [XeCommand("pvs-server-introduce")]
    public static async Task IntroduceServerAsync(XeCall call)
    {
        var p = call.Parameters;
        await call.CreateAsync(
            "PVS_server.introduce", XenArray.Of(p.List("addresses")), p.Whole("first-port", 0), p.Whole("last-port", 0),
            await call.RefAsync("PVS_site", "pvs-site-uuid"));
    }

    [XeCommand("pvs-server-forget")]
    public static Task ForgetServerAsync(XeCall call) => call.ActAsync("PVS_server.forget");

    [XeCommand("pvs-proxy-create")]
    public static async Task CreateProxyAsync(XeCall call)
    {
        var site = await call.RefAsync("PVS_site", "pvs-site-uuid");
        await call.CreateAsync("PVS_proxy.create", site, await call.RefAsync("VIF", "vif-uuid"));
    }

    [XeCommand("pvs-proxy-destroy")]
    public static Task DestroyProxyAsync(XeCall call) => call.ActAsync("PVS_proxy.destroy");

    [XeCommand("pvs-cache-storage-create")]
    public static Task CreateCacheAsync(XeCall call) => call.ForEachHostAsync(async host =>
    {
        var sr = await call.RefAsync("SR", "sr-uuid");
        var site = await call.RefAsync("PVS_site", "pvs-site-uuid");
        await call.CreateAsync("PVS_cache_storage.create", XenStruct.Of(
            ("host", host.Reference), ("SR", sr), ("site", site), ("size", call.Parameters.Size("size"))));
    }, onlyOne: true);

    [XeCommand("pvs-cache-storage-destroy")]
    public static Task DestroyCacheAsync(XeCall call) => call.ActAsync("PVS_cache_storage.destroy");
}
