using System.Globalization;
using System.Text;
using System.Text.Json;
using XapiCompat.Core.Plugins;
using XapiCompat.Values;

namespace XapiCompat.Core.Laboratory;

/// <summary>Fault points over the plugin <c>xapicompat</c>; docs/laboratory.md.</summary>
public sealed class FaultFunctions(FaultPoints points) : IPluginFunctions
{
    public IEnumerable<(string Name, Func<PluginCall, CancellationToken, ValueTask<string>> Run)> Functions =>
    [
        ("fault_set", (call, _) => ValueTask.FromResult(Set(call.Arguments))),
        ("fault_clear", (call, _) => ValueTask.FromResult(Clear(call.Arguments))),
        ("fault_list", (_, _) => ValueTask.FromResult(List())),
        ("fault_trace", (call, _) => ValueTask.FromResult(Trace(call.Arguments))),
    ];

    private string Set(IReadOnlyDictionary<string, string> arguments)
    {
        var action = arguments.GetValueOrDefault("action", "kill") switch
        {
            "kill" => FaultAction.Kill,
            "error" => FaultAction.Error,
            "pause" => FaultAction.Pause,
            var other => throw Invalid("action", other),
        };
        var name = arguments.GetValueOrDefault("error", "EIO");
        var error = FaultError.All.FirstOrDefault(e => e.Name == name)
            ?? throw Invalid("error", name);
        var rule = new FaultRule(
            arguments.GetValueOrDefault("point", "*"), arguments.GetValueOrDefault("call", "*"), Number(arguments, "passing", 1), action, error, arguments.GetValueOrDefault("stays") == "true")
        {
            Path = arguments.GetValueOrDefault("path", "*"),
        };
        return points.Add(rule).ToString(CultureInfo.InvariantCulture);
    }

    private string Clear(IReadOnlyDictionary<string, string> arguments)
    {
        points.Remove(arguments.ContainsKey("id") ? Number(arguments, "id", 0) : null);
        return "";
    }

    private string List() => Json(writer =>
    {
        writer.WriteStartArray();
        foreach (var rule in points.Rules)
        {
            writer.WriteStartObject();
            writer.WriteNumber("id", rule.Id);
            writer.WriteString("point", rule.Point);
            writer.WriteString("call", rule.Call);
            writer.WriteNumber("passing", rule.Passing);
            writer.WriteString("action", rule.Action switch { FaultAction.Kill => "kill", FaultAction.Error => "error", _ => "pause" });
            writer.WriteString("error", rule.Error.Name);
            writer.WriteBoolean("stays", rule.Stays);
            writer.WriteNumber("passed", rule.Passed);
            writer.WriteString("reached_at", rule.ReachedAt);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });

    /// <summary><c>on</c> begins, <c>off</c> ends; without, the answer is what was passed.</summary>
    private string Trace(IReadOnlyDictionary<string, string> arguments)
    {
        if (arguments.TryGetValue("switch", out var text))
        {
            points.Trace(text == "on");
            return "";
        }

        return Json(writer =>
        {
            writer.WriteStartArray();
            foreach (var (call, point) in points.Passed)
            {
                writer.WriteStartArray();
                writer.WriteStringValue(call);
                writer.WriteStringValue(point);
                writer.WriteEndArray();
            }

            writer.WriteEndArray();
        });
    }

    internal static int Number(IReadOnlyDictionary<string, string> arguments, string name, int otherwise) =>
        !arguments.TryGetValue(name, out var text) ? otherwise
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
        : throw Invalid(name, text);

    internal static XenException Invalid(string argument, string value) => new("INVALID_VALUE", argument, value);

    internal static string Json(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
            write(writer);
        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
