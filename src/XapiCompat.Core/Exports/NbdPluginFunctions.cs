using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using XapiCompat.Core.Plugins;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Exports;

/// <summary>Starts, shows and stops <see cref="LiveExports"/> by host.call_plugin; every answer is JSON.</summary>
public sealed class NbdPluginFunctions(RecordStore store, LiveExports exports, NbdEndpoint endpoint, IServerCertificate certificate) : IPluginFunctions
{
    public IEnumerable<(string Name, Func<PluginCall, CancellationToken, ValueTask<string>> Run)> Functions =>
    [
        ("nbd_export_start", StartAsync),
        ("nbd_export_list", (call, _) => new(Json(writer =>
        {
            writer.WriteStartArray();
            foreach (var export in exports.List())
                Write(writer, call, export);
            writer.WriteEndArray();
        }))),
        ("nbd_export_describe", (call, _) => new(Json(writer => Write(writer, call, Find(call))))),
        ("nbd_export_stop", StopAsync),
    ];

    private async ValueTask<string> StartAsync(PluginCall call, CancellationToken cancellationToken)
    {
        _ = Place(call);
        var export = await exports.StartAsync(call.Required("vdi"), call.Flag("writable"), call.Arguments.GetValueOrDefault("name"), cancellationToken);
        return Json(writer => Write(writer, call, export));
    }

    private async ValueTask<string> StopAsync(PluginCall call, CancellationToken cancellationToken)
    {
        var name = call.Required("name");
        return await exports.StopAsync(name) ? Json(writer => writer.WriteBooleanValue(true)) : throw Unknown(name);
    }

    private LiveExport Find(PluginCall call) => exports.Find(call.Required("name")) is { } export ? export : throw Unknown(call.Required("name"));

    private static XenException Unknown(string name) => new("INVALID_VALUE", "name", name);

    private (string Address, int Port) Place(PluginCall call) =>
        endpoint.Of(store.Current.Get("host", call.Host)) ?? throw new XenException("FEATURE_RESTRICTED");

    private void Write(Utf8JsonWriter writer, PluginCall call, LiveExport export)
    {
        var (address, port) = Place(call);
        var isTls = NbdPurposes.RequiresTls(store) == true;
        writer.WriteStartObject();
        writer.WriteString("name", export.Name);
        writer.WriteString("exportname", export.Name);
        writer.WriteString("address", address);
        writer.WriteNumber("port", port);
        writer.WriteString("uri", $"{(isTls ? "nbds" : "nbd")}://{(address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address)}:{port.ToString(CultureInfo.InvariantCulture)}/{Uri.EscapeDataString(export.Name)}");
        writer.WriteString("vdi", export.VdiUuid);
        writer.WriteBoolean("writable", export.Writable);
        writer.WriteNumber("size", export.Device.VirtualSize);
        writer.WriteNumber("connections", export.Connections);
        writer.WriteString("started", XenDate.Format(export.Started).Text);
        writer.WriteBoolean("tls", isTls);
        if (isTls)
            writer.WriteString("cert", certificate.Pem);
        writer.WriteEndObject();
    }

    private static string Json(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            write(writer);
        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }
}
