using System.Text.Json.Nodes;
using XapiCompat.Server.Tests.Support;

namespace XapiCompat.Server.Tests.Api.Lifecycle;

/// <summary>Calls and looks that tests of running VMs share.</summary>
internal static class Machines
{
    public const string ToolsKey = "xapicompat-guest-tools";

    public static Task<string> CreateVmAsync(this XenClient api, string name = "machine", params (string Name, object? Value)[] other) =>
        api.TextAsync("VM.create", Records.Vm(name, other));

    public static Task<string> CreateBareVmAsync(this XenClient api, string tools) =>
        api.CreateVmAsync("bare", ("other_config", JsonArguments.Map((ToolsKey, tools))));

    public static Task StartVmAsync(this XenClient api, string vm, bool paused = false) => api.CallAsync("VM.start", vm, paused, false);

    public static Task<string> StateAsync(this XenClient api, string vm) => api.TextAsync("VM.get_power_state", vm);

    public static async Task<string> HostAsync(this XenClient api) => (await api.ListAsync("host.get_all"))[0];

    public static async Task<JsonObject> MetricsAsync(this XenClient api, string vm) => await api.RecordAsync("VM_metrics", await api.TextAsync("VM.get_metrics", vm));

    public static async Task<JsonObject> GuestAsync(this XenClient api, string vm) => await api.RecordAsync("VM_guest_metrics", await api.TextAsync("VM.get_guest_metrics", vm));

    public static async Task<long> FreeMemoryAsync(this XenClient api) =>
        (await api.RecordAsync("host_metrics", await api.TextAsync("host.get_metrics", await api.HostAsync())))["memory_free"].Number();

    public static string Text(this JsonNode? node) => node!.GetValue<string>();

    public static bool Flag(this JsonNode? node) => node!.GetValue<bool>();

    /// <summary>Integers travel as numbers or as texts, by wire.</summary>
    public static long Number(this JsonNode? node) => long.Parse(node!.ToString());

    public static IReadOnlyList<string> Texts(this JsonNode? node) => [.. node!.AsArray().Select(i => i!.GetValue<string>())];

    /// <summary>Starts a call in the background and returns its task when the VM shows its operation.</summary>
    public static async Task<string> BeginAsync(this XenClient api, string vm, string operation, string method, params object?[] arguments)
    {
        var task = await api.TextAsync("Async." + method, arguments);
        using var cap = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!(await api.CallAsync("VM.get_current_operations", vm)).AsObject().Any(o => o.Key == task && o.Value.Text() == operation))
            await Task.Delay(2, cap.Token);
        return task;
    }
}
