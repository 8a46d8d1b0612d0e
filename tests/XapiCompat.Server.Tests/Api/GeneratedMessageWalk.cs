using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Datamodel;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Store;

namespace XapiCompat.Server.Tests.Api;

/// <summary>Calls one generated message after the other and checks what it did against the records.</summary>
internal sealed class GeneratedMessageWalk(XenClient client, RecordStore records)
{
    /// <summary>One object of defaults for every stored class that has none, so that each message has something to work on.</summary>
    public void MakeMissingObjects(Model model)
    {
        foreach (var @class in model.Classes.Where(c => c.Stored && !records.Current.All(c).Any()))
        {
            var uuid = Guid.NewGuid().ToString("D");
            records.Commit(unit => unit.Insert(@class, "OpaqueRef:" + Guid.NewGuid().ToString("D"), @class.Find("uuid") is null ? [] : [("uuid", uuid)]));
        }
    }

    public Task CheckAsync(MessageDef message) => message.Kind switch
    {
        MessageKind.Getter => GetterAsync(message),
        MessageKind.Setter => SetterAsync(message),
        MessageKind.AddTo => AddAsync(message),
        MessageKind.RemoveFrom => RemoveAsync(message),
        MessageKind.GetRecord => RecordAsync(message),
        MessageKind.GetByUuid => ByUuidAsync(message),
        MessageKind.GetByNameLabel => ByNameAsync(message),
        MessageKind.GetAll => AllAsync(message),
        MessageKind.GetAllWhere => AllAsync(message, "true"),
        MessageKind.GetAllRecords => AllRecordsAsync(message),
        MessageKind.GetAllRecordsWhere => AllRecordsAsync(message, "true"),
        MessageKind.Create => CreateAsync(message),
        MessageKind.Destroy => DestroyAsync(message),
        _ => throw new InvalidOperationException(message.FullName),
    };

    private async Task GetterAsync(MessageDef message)
    {
        var self = Live(message.Class);
        var value = await client.CallAsync(message.FullName, self.Reference);
        if (message.Field is null || self.Reference == client.Session)
            return;
        SampleValues.Same(value, JsonArguments.Of(self[message.Field])).Should().BeTrue(message.FullName + " gave " + value.ToJsonString());
    }

    private async Task RecordAsync(MessageDef message)
    {
        var self = Live(message.Class);
        var record = await client.RecordAsync(message.Class.Name, self.Reference);
        record.Select(m => m.Key).Should().Equal(message.Class.FieldNames, message.FullName);
    }

    private async Task ByUuidAsync(MessageDef message)
    {
        var self = Live(message.Class);
        (await client.TextAsync(message.FullName, self.Uuid)).Should().Be(self.Reference, message.FullName);
    }

    private async Task ByNameAsync(MessageDef message)
    {
        var self = Live(message.Class);
        (await client.ListAsync(message.FullName, self.Text("name_label"))).Should().Contain(self.Reference, message.FullName);
        (await client.ListAsync(message.FullName, "nothing is called so")).Should().BeEmpty(message.FullName);
    }

    private async Task AllAsync(MessageDef message, params string[] query)
    {
        var self = Live(message.Class);
        (await client.ListAsync(message.FullName, query)).Should().Contain(self.Reference, message.FullName).And.OnlyHaveUniqueItems();
    }

    private async Task AllRecordsAsync(MessageDef message, params string[] query)
    {
        var self = Live(message.Class);
        var all = (await client.CallAsync(message.FullName, query)).AsObject();
        all.Should().ContainKey(self.Reference, message.FullName);
        all[self.Reference]!.AsObject().Should().HaveCount(message.Class.FieldNames.Count, message.FullName);
    }

    private async Task SetterAsync(MessageDef message)
    {
        var self = Live(message.Class);
        var field = message.Field!;
        var before = JsonArguments.Of(self[field]);
        if (SampleValues.OtherThan(field.Type, before) is not { } other)
            return;
        await client.CallAsync(message.FullName, self.Reference, other);
        SampleValues.Same(Now(self, field), other).Should().BeTrue(message.FullName + " left " + Now(self, field)?.ToJsonString());
        await client.CallAsync(message.FullName, self.Reference, before);
        SampleValues.Same(Now(self, field), before).Should().BeTrue(message.FullName);
    }

    private async Task AddAsync(MessageDef message)
    {
        var self = Live(message.Class);
        if (message.Field!.Type is SetType set)
        {
            await client.CallAsync(message.FullName, self.Reference, SampleValues.Item(set.Item));
            await client.CallAsync(message.FullName, self.Reference, SampleValues.Item(set.Item));
            Now(self, message.Field)!.AsArray().Count(i => SampleValues.Same(i, SampleValues.Item(set.Item))).Should().Be(1, message.FullName);
            return;
        }

        var map = (MapType)message.Field.Type;
        var key = SampleValues.Item(map.Key).ToString();
        await client.CallAsync(message.FullName, self.Reference, key, SampleValues.Item(map.Item));
        SampleValues.Same(Now(self, message.Field)!.AsObject()[key], SampleValues.Item(map.Item)).Should().BeTrue(message.FullName);
        (await client.ErrorAsync(message.FullName, self.Reference, key, SampleValues.Item(map.Item)))
            .Should().Equal("MAP_DUPLICATE_KEY", message.Class.Name, message.Field.Name, self.Reference, key);
    }

    private async Task RemoveAsync(MessageDef message)
    {
        var self = Live(message.Class);
        var item = SampleValues.Item(message.Field!.Type is SetType set ? set.Item : ((MapType)message.Field.Type).Key);
        await client.CallAsync(message.FullName, self.Reference, item);
        await client.CallAsync(message.FullName, self.Reference, item);
        Now(self, message.Field)!.ToJsonString().Should().NotContain(item.ToJsonString(), message.FullName);
    }

    private async Task CreateAsync(MessageDef message)
    {
        var answer = await client.AnswerAsync(message.FullName, SampleValues.CreateRecord(message.Class));
        if (answer.Error is not null)
        {
            // The constructors with code look at what they are given.
            answer.Error[0].Should().BeOneOf(["HANDLE_INVALID", "INVALID_VALUE"], message.FullName);
            return;
        }

        var self = records.Current.Find(answer.Value!.GetValue<string>())!;
        self.Class.Name.Should().Be(message.Class.Name);
        if (message.Class.Find("uuid") is not null)
            Guid.TryParseExact(self.Uuid, "D", out _).Should().BeTrue(message.FullName);
    }

    private async Task DestroyAsync(MessageDef message)
    {
        // Where the constructor asks for more than types, the object of defaults is good enough to go.
        var made = await client.AnswerAsync(message.Class.Name + ".create", SampleValues.CreateRecord(message.Class));
        var self = made.Value?.GetValue<string>() ?? SampleValues.Nowhere;
        if (made.Error is null)
            await client.CallAsync(message.FullName, self);
        records.Current.Find(self).Should().BeNull(message.FullName);
        (await client.ErrorAsync(message.FullName, self)).Should().Equal("HANDLE_INVALID", message.Class.Name, self);
    }

    private Record Live(ClassDef @class) =>
        @class.Name == "session" ? records.Current.Find(client.Session)! : records.Current.All(@class).OrderBy(r => @class.Name == "VM" && r.Text("power_state") != "Halted").ThenBy(r => r.Reference, StringComparer.Ordinal).First();

    private JsonNode? Now(Record self, FieldDef field) => JsonArguments.Of(records.Current.Find(self.Reference)![field]);
}
