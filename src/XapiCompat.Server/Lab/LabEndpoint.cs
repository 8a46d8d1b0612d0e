using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using XapiCompat.Core.Plugins;
using XapiCompat.Values;

namespace XapiCompat.Server.Lab;

/// <summary>
/// The functions of the plugin <c>xapicompat</c> below <c>/lab/</c>, for testers without a session: on loopback only, with a token from
/// the state directory, never for a web page; docs/laboratory.md.
/// </summary>
internal sealed class LabEndpoint
{
    public const string Path = "/lab";

    private const int LongestBody = 64 << 10;
    private readonly byte[] _token;
    private readonly XapiCompatPlugin _plugin;

    private LabEndpoint(string token, XapiCompatPlugin plugin)
    {
        _token = Encoding.ASCII.GetBytes(token);
        _plugin = plugin;
    }

    /// <summary>With a new token in <c>lab.token</c>, which only the owner can read.</summary>
    public static LabEndpoint Open(string state, XapiCompatPlugin plugin)
    {
        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var path = System.IO.Path.Combine(state, "lab.token");
        File.Delete(path);
        using (var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
            file.Write(Encoding.ASCII.GetBytes(token));
        return new(token, plugin);
    }

    public async Task InvokeAsync(HttpContext http)
    {
        if (Refusal(http) is { } status)
        {
            await WriteAsync(http, status, writer => writer.WriteString("refused", "docs/laboratory.md says who may call"));
            return;
        }

        var name = http.Request.Path.Value![Path.Length..].Trim('/');
        try
        {
            var arguments = await ArgumentsAsync(http);
            var call = new PluginCall(Ref.Null.Text, name, arguments);
            if (http.Request.Method == HttpMethods.Get && name.Length == 0)
                await WriteAsync(http, StatusCodes.Status200OK, WriteNames);
            else if (http.Request.Method != HttpMethods.Post)
                await WriteAsync(http, StatusCodes.Status405MethodNotAllowed, writer => writer.WriteString("refused", "functions are posted to"));
            else if (await _plugin.CallAsync(call, http.RequestAborted) is { } result)
                await WriteAsync(http, StatusCodes.Status200OK, writer => writer.WriteString("result", result));
            else
                await WriteAsync(http, StatusCodes.Status404NotFound, writer => writer.WriteString("refused", "no such function"));
        }
        catch (XenException e)
        {
            await WriteAsync(http, StatusCodes.Status400BadRequest, writer =>
            {
                writer.WriteStartArray("error");
                writer.WriteStringValue(e.Failure.Code);
                foreach (var parameter in e.Failure.Parameters)
                    writer.WriteStringValue(parameter);
                writer.WriteEndArray();
            });
        }
        catch (JsonException)
        {
            await WriteAsync(http, StatusCodes.Status400BadRequest, writer => writer.WriteString("refused", "the body is an object of texts"));
        }
    }

    /// <summary>A page in a browser has an origin, and after a change of names in the DNS a foreign host.</summary>
    private int? Refusal(HttpContext http)
    {
        if (http.Connection.RemoteIpAddress is not { } address || !IPAddress.IsLoopback(address))
            return StatusCodes.Status403Forbidden;
        if (http.Request.Headers.Origin.Count > 0 || !IsLoopbackName(http.Request.Host.Host))
            return StatusCodes.Status403Forbidden;
        var given = http.Request.Headers.Authorization.ToString();
        return given.StartsWith("Bearer ", StringComparison.Ordinal) && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given["Bearer ".Length..]), _token)
            ? null
            : StatusCodes.Status401Unauthorized;
    }

    private static bool IsLoopbackName(string host) =>
        host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private static async Task<IReadOnlyDictionary<string, string>> ArgumentsAsync(HttpContext http)
    {
        var arguments = http.Request.Query.ToDictionary(q => q.Key, q => q.Value.ToString(), StringComparer.Ordinal);
        if (http.Request.ContentLength is not > 0)
            return arguments;
        if (http.Request.ContentLength > LongestBody)
            throw new JsonException();
        using var document = await JsonDocument.ParseAsync(http.Request.Body, default, http.RequestAborted);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            throw new JsonException();
        foreach (var member in document.RootElement.EnumerateObject())
            arguments[member.Name] = member.Value.ValueKind == JsonValueKind.String ? member.Value.GetString()! : throw new JsonException();
        return arguments;
    }

    private void WriteNames(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("functions");
        foreach (var name in _plugin.FunctionNames.Order(StringComparer.Ordinal))
            writer.WriteStringValue(name);
        writer.WriteEndArray();
    }

    private static async Task WriteAsync(HttpContext http, int status, Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        http.Response.StatusCode = status;
        // A refusal may come before the body has been read.
        if (status != StatusCodes.Status200OK)
            http.Response.Headers.Connection = "close";
        http.Response.ContentType = "application/json";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.ContentLength = buffer.Length;
        await http.Response.Body.WriteAsync(buffer.GetBuffer().AsMemory(0, (int)buffer.Length), http.RequestAborted);
    }
}
