using FluentAssertions;
using XapiCompat.Datamodel;
using XapiCompat.Store;
using XapiCompat.Testing;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Core.Tests.Store;

public sealed class RecordStoreTests : IDisposable
{
    private static readonly Model Model = Model.Load();

    private readonly TempDirectory _directory = new();

    [Fact]
    public void Back_references_follow_what_points_to_an_object()
    {
        using var store = Open();
        store.Commit(unit => Insert(unit, "VM", "vm"));
        store.Commit(unit => Insert(unit, "VBD", "vbd", ("VM", "vm")));
        store.Current.Find("vm")!.Set("VBDs").Should().Equal("vbd");
        store.Commit(unit => unit.Set("vbd", "VM", Ref.Null.Text));
        store.Current.Find("vm")!.Set("VBDs").Should().BeEmpty();
        store.Commit(unit => unit.Set("vbd", "VM", "vm"));
        store.Commit(unit => unit.Delete("vbd"));
        store.Current.Find("vm")!.Set("VBDs").Should().BeEmpty();
    }

    [Fact]
    public void A_change_counts_for_both_ends_of_a_relation()
    {
        using var store = Open();
        store.Commit(unit => Insert(unit, "VM", "vm"));
        var before = store.Current.Generation;
        store.Commit(unit => Insert(unit, "VBD", "vbd", ("VM", "vm")));
        store.Current.Find("vm")!.Modified.Should().BeGreaterThan(before);
        store.Current.Find("vm")!.Created.Should().BeLessThanOrEqualTo(before);
    }

    [Fact]
    public void Writing_an_equal_value_is_no_change()
    {
        using var store = Open();
        store.Commit(unit => Insert(unit, "VM", "vm", ("name_label", "a")));
        var before = store.Current.Generation;
        store.Commit(unit => unit.Set("vm", "name_label", "a"));
        store.Commit(unit =>
        {
            unit.Set("vm", "name_label", "b");
            unit.Set("vm", "name_label", "a");
        });
        store.Current.Generation.Should().Be(before);
    }

    [Fact]
    public void A_change_that_throws_leaves_nothing()
    {
        using var store = Open();
        var failing = () => store.Commit(unit =>
        {
            Insert(unit, "VM", "vm");
            throw new InvalidOperationException();
        });
        failing.Should().Throw<InvalidOperationException>();
        store.Current.Find("vm").Should().BeNull();
    }

    [Fact]
    public void Persistent_objects_come_back_after_a_restart_and_others_do_not()
    {
        long generation;
        using (var store = Open())
        {
            store.Commit(unit =>
            {
                Insert(unit, "VM", "vm", ("name_label", "kept"), ("current_operations", XenStruct.Of(("task", "snapshot"))));
                Insert(unit, "VBD", "vbd", ("VM", "vm"));
                Insert(unit, "task", "task");
                Insert(unit, "session", "session");
            });
            generation = store.Current.Generation;
        }

        using var again = Open();
        var vm = again.Current.Find("vm")!;
        vm.Text("name_label").Should().Be("kept");
        vm.Map("current_operations").Count.Should().Be(0);
        vm.Set("VBDs").Should().Equal("vbd");
        again.Current.Find("task").Should().BeNull();
        again.Current.Find("session").Should().BeNull();
        again.Current.Generation.Should().BeGreaterThan(generation);
    }

    [Fact]
    public void Intents_last_until_they_end()
    {
        using (var store = Open())
        {
            store.Commit(unit => unit.BeginIntent(new("1", "sr", "create", ["a", "b"])));
            store.Commit(unit => unit.BeginIntent(new("2", "sr", "destroy", ["c"])));
            store.Commit(unit => unit.EndIntent("2"));
        }

        using var again = Open();
        again.Intents.Should().ContainSingle().Which.Keys.Should().Equal("a", "b");
    }

    [Fact]
    public void Readers_keep_the_state_they_took()
    {
        using var store = Open();
        store.Commit(unit => Insert(unit, "VM", "vm", ("name_label", "old")));
        var taken = store.Current;
        store.Commit(unit => unit.Set("vm", "name_label", "new"));
        taken.Find("vm")!.Text("name_label").Should().Be("old");
    }

    [Fact]
    public void State_of_a_newer_version_is_refused()
    {
        Open().Dispose();
        using (var connection = new Microsoft.Data.Sqlite.SqliteConnection("Data Source=" + _directory.File("xapi.db") + ";Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA user_version=999";
            command.ExecuteNonQuery();
        }

        var open = () => Open();
        open.Should().Throw<StateVersionException>();
    }

    public void Dispose() => _directory.Dispose();

    private RecordStore Open() => RecordStore.OpenAsync(_directory.File("xapi.db"), Model).GetAwaiter().GetResult();

    private static void Insert(UnitOfWork unit, string @class, string reference, params (string Field, XenValue Value)[] fields) =>
        unit.Insert(Model.Class(@class), reference, [("uuid", "uuid-" + reference), .. fields]);
}
