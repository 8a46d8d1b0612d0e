using System.Collections.Concurrent;
using System.Net;
using FluentAssertions;
using XapiCompat.Core.Dispatch;
using XapiCompat.Datamodel;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Access;

/// <summary>Six roles times every message, synchronous and Async, and times every HTTP handler: who may is what the spec says.</summary>
public sealed class RoleMatrixTests(RoleServer roles) : IClassFixture<RoleServer>
{
    private const string Denied = "RBAC_PERMISSION_DENIED";

    private static readonly TimeSpan HangCap = TimeSpan.FromSeconds(60);
    private static readonly Model Model = Model.Load();

    /// <summary>Messages that reach everything behind the role check; the others are answered before it.</summary>
    private static readonly IReadOnlyList<MessageDef> Checked = [.. Model.Messages.Where(m => m.NeedsSession && !m.Removed)];

    private Dispatcher Dispatcher => roles.Server.Host.Api.Dispatcher;

    [Fact]
    public void The_roles_are_those_of_the_spec()
    {
        Model.RolesStrongToWeak.Should().Equal(RoleServer.RoleNames);
        Model.Messages.Select(m => m.MinRole).Distinct().Should().BeSubsetOf([.. RoleServer.RoleNames, "(local root only)"]);
        Checked.Count.Should().BeGreaterThan(2100);
    }

    [Fact]
    public async Task Synchronous_calls_are_allowed_from_the_least_role_on()
    {
        var wrong = new ConcurrentBag<string>();
        foreach (var role in RoleServer.RoleNames)
        {
            var session = (await roles.LoginAsync(role)).Session;
            foreach (var message in Checked)
            {
                // These end the session they are called with, or make its next call wait.
                var own = message.Class.Name is "session" or "event" ? (await roles.LoginAsync(role)).Session : session;
                var failure = await AnswerAsync(message.FullName, own, message);
                Compare(role, message, message.FullName, failure, wrong);
            }
        }

        wrong.Should().BeEmpty();
    }

    [Fact]
    public async Task Async_calls_are_denied_in_their_task()
    {
        var wrong = new ConcurrentBag<string>();
        foreach (var role in RoleServer.RoleNames)
        {
            var session = (await roles.LoginAsync(role)).Session;
            foreach (var message in Checked.Where(m => m.Async))
            {
                var own = message.Class.Name is "session" or "event" ? (await roles.LoginAsync(role)).Session : session;
                var result = await Dispatcher.InvokeAsync(new("Async." + message.FullName, Arguments(own, message)), CallOrigin.Unknown);
                result.Failure.Should().BeNull(message.FullName);
                var task = result.Value!.ToString()!;
                IReadOnlyList<string> error = [.. (await EndOfAsync(task)).Set("error_info")];
                Compare(role, message, "Async." + message.FullName, error.Count == 0 ? null : new XenFailure(error[0], [.. error.Skip(1)]), wrong);
                roles.Server.Host.Records.Commit(unit => unit.Delete(task));
            }
        }

        wrong.Should().BeEmpty();
    }

    [Fact]
    public async Task The_superuser_is_never_denied()
    {
        var client = await roles.Server.LoginAsync();
        foreach (var message in Checked.Where(m => m.Class.Name is not ("session" or "event")))
            (await AnswerAsync(message.FullName, client.Session, message))?.Code.Should().NotBe(Denied, message.FullName);
    }

    [Fact]
    public async Task Http_handlers_are_allowed_from_the_least_role_on()
    {
        var access = roles.Server.Host.Api.Access;
        foreach (var role in RoleServer.RoleNames)
        {
            var client = await roles.LoginAsync(role);
            var session = roles.Server.Host.Records.Current.Find(client.Session)!;
            foreach (var action in Model.HttpActions)
            {
                var ask = () => access.RequireAction(action.Action, session);
                if (IsAllowed(role, action.MinRole))
                    ask.Should().NotThrow(action.Action);
                else
                    ask.Should().Throw<XenException>().Which.Failure.Description.Take(2).Should().Equal(Denied, "http/" + action.Action.ToLowerInvariant());
            }
        }
    }

    [Theory]
    [InlineData("GET", "/export_raw_vdi", "vm-admin")]
    [InlineData("PUT", "/import_raw_vdi", "vm-admin")]
    public async Task Handlers_that_are_there_ask_for_the_role(string method, string path, string least)
    {
        foreach (var role in RoleServer.RoleNames)
        {
            var client = await roles.LoginAsync(role);
            var task = await client.TextAsync("task.create", "transfer", "");
            var query = $"{path}?session_id={client.Session}&task_id={task}&vdi={SampleValues.Nowhere}";
            using var request = new HttpRequestMessage(new(method), query);
            if (method == "PUT")
                request.Content = new ByteArrayContent([1]);
            using var response = await roles.Server.Http.SendAsync(request);
            response.StatusCode.Should().Be(IsAllowed(role, least) ? HttpStatusCode.InternalServerError : HttpStatusCode.Forbidden, role);
            var error = (await client.RecordAsync("task", task))["error_info"]!.AsArray().Select(e => e!.GetValue<string>());
            error.First().Should().Be(IsAllowed(role, least) ? "HANDLE_INVALID" : Denied, role);
        }
    }

    private static bool IsAllowed(string role, string least) =>
        least != "(local root only)" && RoleServer.RoleNames.ToList().IndexOf(role) <= RoleServer.RoleNames.ToList().IndexOf(least);

    private static void Compare(string role, MessageDef message, string name, XenFailure? failure, ConcurrentBag<string> wrong)
    {
        var denied = failure?.Code == Denied;
        if (denied == IsAllowed(role, message.MinRole))
            wrong.Add(role + " " + name + ": " + failure);
        if (denied && (failure!.Description.Count != 3 || failure.Description[1] != message.Permission))
            wrong.Add(role + " " + name + ": " + string.Join(", ", failure.Description));
    }

    private static XenValue[] Arguments(string session, MessageDef message) =>
        [session, .. message.Parameters.Select(p => p.Type is RefType ? SampleValues.Nowhere : p.Type.Empty)];

    private async Task<XenFailure?> AnswerAsync(string name, string session, MessageDef message)
    {
        var result = await Dispatcher.InvokeAsync(new(name, Arguments(session, message)), CallOrigin.Unknown).AsTask().WaitAsync(HangCap);
        return result.Failure;
    }

    private async Task<Store.Record> EndOfAsync(string task)
    {
        var records = roles.Server.Host.Records;
        while (true)
        {
            var generation = records.Current.Generation;
            var record = records.Current.Find(task)!;
            if (record.Text("status") != "pending")
                return record;
            await records.NextCommitAsync(generation).WaitAsync(HangCap);
        }
    }
}
