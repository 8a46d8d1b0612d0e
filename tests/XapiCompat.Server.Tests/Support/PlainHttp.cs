using System.Text;

namespace XapiCompat.Server.Tests.Support;

/// <summary>An HTTP answer as it came.</summary>
public sealed record PlainAnswer(int Status, string ContentType, string Text, HttpResponseMessage Message);

/// <summary>Requests written by hand.</summary>
public static class PlainHttp
{
    public static Task<PlainAnswer> PostAsync(HttpClient http, string path, string body) => PostAsync(http, path, Encoding.UTF8.GetBytes(body));

    public static async Task<PlainAnswer> PostAsync(HttpClient http, string path, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        return await ReadAsync(await http.PostAsync(path, content));
    }

    public static async Task<PlainAnswer> SendAsync(HttpClient http, HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, path);
        return await ReadAsync(await http.SendAsync(request));
    }

    /// <summary>An XML-RPC call with its parameters as ready XML.</summary>
    public static string XmlCall(string method, params string[] values) =>
        "<?xml version=\"1.0\"?><methodCall><methodName>" + method + "</methodName><params>"
        + string.Concat(values.Select(v => "<param><value>" + v + "</value></param>")) + "</params></methodCall>";

    private static async Task<PlainAnswer> ReadAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        var type = response.Content.Headers.TryGetValues("Content-Type", out var values) ? string.Join(",", values) : "";
        return new((int)response.StatusCode, type, text, response);
    }
}
