using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

public sealed class TaskTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static readonly TimeSpan HangCap = TimeSpan.FromSeconds(60);

    [Fact]
    [SeesEffectOf("task.create")]
    public async Task A_created_task_is_pending_and_belongs_to_its_session()
    {
        var client = await server.LoginAsync();
        var record = await client.RecordAsync("task", await client.TextAsync("task.create", "label", "description"));
        var host = (await client.ListAsync("host.get_all"))[0];
        Text(record, "name_label").Should().Be("label");
        Text(record, "name_description").Should().Be("description");
        Text(record, "status").Should().Be("pending");
        Text(record, "finished").Should().Be(Records.Never);
        Text(record, "created").Should().NotBe(Records.Never);
        Text(record, "result").Should().BeEmpty();
        Text(record, "type").Should().Be("<none/>");
        Text(record, "resident_on").Should().Be(host);
        Text(record, "subtask_of").Should().Be(Records.Null);
        Text(record, "backtrace").Should().Be("()");
        record["progress"]!.GetValue<double>().Should().Be(0);
        foreach (var empty in (string[])["allowed_operations", "error_info", "subtasks"])
            record[empty]!.AsArray().Should().BeEmpty();
        foreach (var empty in (string[])["current_operations", "other_config"])
            record[empty]!.AsObject().Should().BeEmpty();
    }

    [Fact]
    public async Task The_result_of_an_async_call_is_an_XML_value()
    {
        var client = await server.LoginAsync();
        var disk = await NewDiskAsync(client);
        var cloned = await client.FinishedTaskAsync("Async.VDI.clone", disk);
        Text(cloned, "status").Should().Be("success");
        Text(cloned, "name_label").Should().Be("Async.VDI.clone");
        Text(cloned, "result").Should().MatchRegex("^<value>OpaqueRef:[0-9a-f-]{36}</value>$");
        var clone = Text(cloned, "result")["<value>".Length..^"</value>".Length];
        (await client.TextAsync("VDI.get_SR", clone)).Should().Be(await client.TextAsync("VDI.get_SR", disk));
        Text(cloned, "finished").Should().NotBe(Records.Never);
        cloned["progress"]!.GetValue<double>().Should().Be(1);
        cloned["error_info"]!.AsArray().Should().BeEmpty();
        cloned["allowed_operations"]!.AsArray().Should().BeEmpty();
    }

    [Fact]
    public async Task A_call_without_result_leaves_an_empty_value()
    {
        var client = await server.LoginAsync();
        var task = await client.FinishedTaskAsync("Async.VDI.destroy", await NewDiskAsync(client));
        Text(task, "status").Should().Be("success");
        Text(task, "result").Should().Be("<value></value>");
    }

    [Fact]
    public async Task A_failed_call_leaves_its_error()
    {
        var client = await server.LoginAsync();
        var task = await client.FinishedTaskAsync("Async.VDI.destroy", SampleValues.Nowhere);
        Text(task, "status").Should().Be("failure");
        Error(task).Should().Equal("HANDLE_INVALID", "VDI", SampleValues.Nowhere);
        Text(task, "result").Should().BeEmpty();
        Text(task, "finished").Should().NotBe(Records.Never);
        task["progress"]!.GetValue<double>().Should().Be(1);
    }

    [Fact]
    public async Task Who_sees_that_a_task_is_over_sees_all_of_its_end()
    {
        var client = await server.LoginAsync();
        for (var i = 0; i < 30; i++)
        {
            var task = await client.FinishedTaskAsync("Async.VM.clone", (await client.ListAsync("VM.get_all_where", "field \"is_a_template\" = \"true\""))[0], "copy");
            Text(task, "status").Should().Be("success");
            Text(task, "result").Should().StartWith("<value>OpaqueRef:");
            Text(task, "finished").Should().NotBe(Records.Never);
            task["progress"]!.GetValue<double>().Should().Be(1);
        }
    }

    [Fact]
    [SeesEffectOf("task.destroy")]
    public async Task A_finished_task_is_destroyed_at_once()
    {
        var client = await server.LoginAsync();
        var task = await client.TextAsync("Async.VDI.destroy", SampleValues.Nowhere);
        await client.FinishedAsync(task);
        await client.CallAsync("task.destroy", task);
        (await client.ErrorAsync("task.get_status", task)).Should().Equal("HANDLE_INVALID", "task", task);
    }

    [Fact]
    public async Task A_pending_task_is_destroyed_when_it_is_over()
    {
        var client = await server.LoginAsync();
        var disk = await NewDiskAsync(client);
        string task;
        using (Occupy(disk))
        {
            task = await client.TextAsync("Async.VDI.snapshot", disk);
            await client.CallAsync("task.destroy", task);
            (await client.TextAsync("task.get_status", task)).Should().Be("pending");
            (await client.CallAsync("task.get_current_operations", task)).AsObject().Select(o => o.Value!.GetValue<string>()).Should().Equal("destroy");
        }

        await UntilAsync(async () => (await client.AnswerAsync("task.get_status", task)).Error is ["HANDLE_INVALID", "task", _]);
        (await client.ListAsync("VDI.get_snapshots", disk)).Should().HaveCount(1, "the work itself went on");
    }

    [Fact]
    [SeesEffectOf("task.set_progress", "task.set_result", "task.set_error_info", "task.set_status")]
    [SeesEffectOf("task.set_other_config", "task.add_to_other_config", "task.remove_from_other_config")]
    public async Task Clients_drive_the_tasks_they_made()
    {
        var client = await server.LoginAsync();
        var task = await client.TextAsync("task.create", "mine", "");
        await client.CallAsync("task.set_progress", task, 0.5);
        await client.CallAsync("task.set_result", task, "whatever");
        await client.CallAsync("task.set_error_info", task, new[] { "MY", "error" });
        await client.CallAsync("task.add_to_other_config", task, "k", "v");
        (await client.ErrorAsync("task.add_to_other_config", task, "k", "v")).Should().Equal("MAP_DUPLICATE_KEY", "task", "other_config", task, "k");
        await client.CallAsync("task.add_to_other_config", task, "gone", "v");
        await client.CallAsync("task.remove_from_other_config", task, "gone");
        (await client.CallAsync("task.get_other_config", task)).AsObject().Select(o => o.Key).Should().Equal("k");
        await client.CallAsync("task.set_other_config", task, JsonArguments.Map(("all", "new")));
        (await client.CallAsync("task.get_other_config", task)).AsObject().Select(o => o.Key).Should().Equal("all");
        await client.CallAsync("task.set_status", task, "Success");
        var record = await client.RecordAsync("task", task);
        Text(record, "status").Should().Be("success");
        Text(record, "finished").Should().Be(Records.Never, "only the server ends tasks");
        Text(record, "result").Should().Be("whatever");
        Error(record).Should().Equal("MY", "error");
        record["progress"]!.GetValue<double>().Should().Be(0.5);
        await client.CallAsync("task.set_progress", task, -1);
        (await client.CallAsync("task.get_progress", task)).GetValue<double>().Should().Be(-1);
        await client.CallAsync("task.destroy", task);
        (await client.ListAsync("task.get_all")).Should().NotContain(task);
    }

    [Fact]
    [SeesEffectOf("task.cancel")]
    public async Task A_waiting_call_can_be_cancelled()
    {
        var client = await server.LoginAsync();
        var disk = await NewDiskAsync(client);
        using (Occupy(disk))
        {
            var task = await client.TextAsync("Async.VDI.snapshot", disk);
            (await client.TextAsync("task.get_status", task)).Should().Be("pending");
            await client.CallAsync("task.cancel", task);
            var record = await client.FinishedAsync(task);
            Text(record, "status").Should().Be("cancelled");
            Error(record).Should().BeEmpty("an Async call is cancelled without an error");
            Text(record, "result").Should().BeEmpty();
            record["progress"]!.GetValue<double>().Should().Be(1);
            record["current_operations"]!.AsObject().Select(o => o.Value!.GetValue<string>()).Should().Equal("cancel");
        }

        (await client.CallAsync("VDI.get_current_operations", disk)).AsObject().Should().BeEmpty();
        (await client.ListAsync("VDI.get_snapshots", disk)).Should().BeEmpty();
    }

    [Fact]
    public async Task A_synchronous_call_shows_as_a_task_and_says_when_it_was_cancelled()
    {
        var client = await server.LoginAsync();
        var disk = await NewDiskAsync(client);
        using var busy = Occupy(disk);
        var call = client.AnswerAsync("VDI.clone", disk);
        string? task = null;
        await UntilAsync(async () =>
        {
            task = (await client.CallAsync("task.get_all_records")).AsObject().Where(t => Text(t.Value!, "name_label") == "VDI.clone").Select(t => t.Key).SingleOrDefault();
            return task is not null;
        });
        call.IsCompleted.Should().BeFalse();
        await client.CallAsync("task.cancel", task);
        (await call.WaitAsync(HangCap)).Error.Should().Equal("TASK_CANCELLED", task);
        (await client.ListAsync("task.get_all")).Should().NotContain(task);
    }

    [Fact]
    public async Task A_busy_object_is_waited_for()
    {
        var client = await server.LoginAsync();
        var disk = await NewDiskAsync(client);
        var busy = Occupy(disk);
        var calls = Enumerable.Range(0, 5).Select(_ => client.TextAsync("VDI.snapshot", disk)).ToList();
        await Task.Delay(100);
        calls.Should().OnlyContain(c => !c.IsCompleted);
        busy.Dispose();
        var snapshots = await Task.WhenAll(calls).WaitAsync(HangCap);
        (await client.ListAsync("VDI.get_snapshots", disk)).Should().BeEquivalentTo(snapshots);
        (await client.CallAsync("VDI.get_current_operations", disk)).AsObject().Should().BeEmpty();
    }

    [Fact]
    public async Task Asking_whether_an_operation_is_valid_does_not_wait()
    {
        var client = await server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("busy"));
        using var busy = Occupy(vm, "destroy");
        (await client.ErrorAsync("VM.assert_operation_valid", vm, "start")).Should().Equal("OTHER_OPERATION_IN_PROGRESS", "VM", vm, "destroy", "OpaqueRef:of-a-test");
        (await client.ListAsync("VM.get_allowed_operations", vm)).Should().NotContain("start");
    }

    [Fact]
    public async Task The_key_in_current_operations_is_the_task()
    {
        var client = await server.LoginAsync();
        var disk = await NewDiskAsync(client);
        var token = await client.TextAsync("event.inject", "VDI", disk);
        var task = await client.TextAsync("Async.VDI.snapshot", disk);
        await client.FinishedAsync(task);
        // Events show states, not every step: only what is left over can be asserted, the rest is watched from inside.
        var seen = new List<string>();
        void Watch(Store.CommitNotice notice)
        {
            foreach (var record in notice.Written.Where(r => r.Reference == disk))
                seen.AddRange(record.Map("current_operations").Names);
        }

        server.Host.Records.Committed += Watch;
        try
        {
            task = await client.TextAsync("Async.VDI.snapshot", disk);
            await client.FinishedAsync(task);
        }
        finally
        {
            server.Host.Records.Committed -= Watch;
        }

        seen.Distinct().Should().Equal(task);
        (await client.CallAsync("event.from", new[] { "vdi/" + disk }, token, 5.0))["events"]!.AsArray().Should().ContainSingle();
    }

    [Fact]
    public async Task A_post_can_name_the_task_above()
    {
        var client = await server.LoginAsync();
        var parent = await client.TextAsync("task.create", "parent", "");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/jsonrpc")
        {
            Content = new StringContent($$"""{"jsonrpc":"2.0","id":1,"method":"Async.VDI.destroy","params":["{{client.Session}}","{{SampleValues.Nowhere}}"]}"""),
        };
        request.Headers.Add("subtask-of", parent);
        using var response = await server.Http.SendAsync(request);
        var child = JsonNode.Parse(await response.Content.ReadAsStringAsync())!["result"]!.GetValue<string>();
        (await client.TextAsync("task.get_subtask_of", child)).Should().Be(parent);
        (await client.ListAsync("task.get_subtasks", parent)).Should().Equal(child);
    }

    [Fact]
    public async Task Cancelling_what_is_over_changes_nothing()
    {
        var client = await server.LoginAsync();
        var task = await client.TextAsync("Async.VDI.destroy", SampleValues.Nowhere);
        var before = await client.FinishedAsync(task);
        await client.CallAsync("task.cancel", task);
        JsonNode.DeepEquals(await client.RecordAsync("task", task), before).Should().BeTrue();
        (await client.ErrorAsync("task.cancel", SampleValues.Nowhere)).Should().Equal("HANDLE_INVALID", "task", SampleValues.Nowhere);
    }

    /// <summary>Makes an object busy, as an operation under way does, until it is disposed.</summary>
    private Release Occupy(string reference, string operation = "clone")
    {
        server.Host.Records.Commit(unit => unit.Set(reference, "current_operations", XenStruct.Of(("OpaqueRef:of-a-test", operation))));
        return new(() => server.Host.Records.Commit(unit =>
            unit.Set(reference, "current_operations", unit.Find(reference)!.Map("current_operations").Without("OpaqueRef:of-a-test"))));
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var cap = new CancellationTokenSource(HangCap);
        while (!await condition())
            await Task.Delay(5, cap.Token);
    }

    private static async Task<string> NewDiskAsync(XenClient client) =>
        await client.TextAsync("VDI.create", Records.Vdi(await client.TextAsync("pool.get_default_SR", (await client.ListAsync("pool.get_all"))[0]), Records.MiB));

    private static string Text(JsonNode record, string field) => record[field]!.GetValue<string>();

    private static IEnumerable<string> Error(JsonNode record) => record["error_info"]!.AsArray().Select(i => i!.GetValue<string>());

    private sealed class Release(Action action) : IDisposable
    {
        private Action? _action = action;

        public void Dispose() => Interlocked.Exchange(ref _action, null)?.Invoke();
    }
}
