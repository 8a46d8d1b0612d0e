using FluentAssertions;
using XapiCompat.Datamodel;
using XapiCompat.Store;
using XapiCompat.Testing;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Core.Tests.Store;

/// <summary>What makes many objects fast must not show.</summary>
public sealed class LargeStoreTests : IDisposable
{
    private static readonly Model Model = Model.Load();

    private readonly TempDirectory _directory = new();

    [Fact]
    public void Lookups_follow_a_long_random_course_of_changes()
    {
        const int Seed = 20;
        var random = new Random(Seed);
        var expected = new Dictionary<string, string>(StringComparer.Ordinal);
        var network = Model.Class("network");
        using var store = Open();
        for (var round = 0; round < 60; round++)
        {
            store.Commit(unit =>
            {
                for (var i = random.Next(1, 400); i > 0; i--)
                {
                    var reference = "OpaqueRef:" + random.Next(3000);
                    if (!expected.ContainsKey(reference))
                    {
                        unit.Insert(network, reference, [("uuid", expected[reference] = Guid.NewGuid().ToString("D"))]);
                    }
                    else if (random.Next(3) == 0)
                    {
                        unit.Delete(reference);
                        expected.Remove(reference);
                        // An object that is gone in a unit does not come back in it.
                        break;
                    }
                    else
                    {
                        unit.Set(reference, "uuid", expected[reference] = Guid.NewGuid().ToString("D"));
                    }
                }
            });
            var current = store.Current;
            current.Count(network).Should().Be(expected.Count);
            current.All(network).ToDictionary(r => r.Reference, r => r.Uuid).Should().BeEquivalentTo(expected);
            foreach (var (reference, uuid) in expected.Take(50))
            {
                current.Find(reference)!.Uuid.Should().Be(uuid);
                current.FindByUuid(network, uuid)!.Reference.Should().Be(reference);
            }
        }
    }

    [Fact]
    public void Every_field_of_every_class_comes_back_from_the_file_as_it_was()
    {
        var references = new Dictionary<string, (ClassDef Class, XenValue[] Values)>(StringComparer.Ordinal);
        using (var store = Open())
        {
            store.Commit(unit =>
            {
                foreach (var @class in Model.Classes.Where(c => c is { Stored: true, Persistent: true }))
                {
                    foreach (var odd in new[] { false, true })
                    {
                        var reference = "OpaqueRef:" + @class.Name + odd;
                        var fields = @class.Fields.Where(f => f.Persist && !f.Computed).Select(f => (f.Name, odd ? Odd(f.Type) : f.Type.Empty)).ToList();
                        references[reference] = (@class, [.. unit.Insert(@class, reference, fields).Values]);
                    }
                }
            });
        }

        using var again = Open();
        foreach (var (reference, (@class, values)) in references)
        {
            var record = again.Current.Find(reference)!;
            foreach (var field in @class.Fields.Where(f => f.Persist && !f.Computed))
                record[field].Should().Be(values[field.Index], reference + "." + field.Name);
        }
    }

    [Fact]
    public void Thousands_of_objects_have_their_relations_after_a_restart()
    {
        const int Count = 5000;
        using (var store = Open())
        {
            store.Commit(unit =>
            {
                unit.Insert(Model.Class("SR"), "OpaqueRef:sr", [("uuid", "sr")]);
                for (var i = 0; i < Count; i++)
                    unit.Insert(Model.Class("VDI"), "OpaqueRef:" + i, [("uuid", "u" + i), ("SR", "OpaqueRef:sr"), ("name_label", "\"<disk>\" ü " + i)]);
            });
            store.Current.Find("OpaqueRef:sr")!.Set("VDIs").Should().HaveCount(Count);
        }

        using var again = Open();
        again.Current.Find("OpaqueRef:sr")!.Set("VDIs").Should().HaveCount(Count).And.OnlyHaveUniqueItems().And.BeInAscendingOrder(StringComparer.Ordinal);
        again.Current.FindByUuid(Model.Class("VDI"), "u4321")!.Text("name_label").Should().Be("\"<disk>\" ü 4321");
    }

    [Fact]
    public void A_field_left_for_later_is_computed_once_somebody_reads_it_and_is_part_of_the_record()
    {
        using var store = Open();
        store.Commit(unit => unit.Insert(Model.Class("VM"), "OpaqueRef:vm", [("uuid", "vm")]));
        var computed = 0;
        store.FillLater(Model.Class("VM"), "allowed_operations", _ =>
        {
            computed++;
            return XenArray.Of(["start"]);
        });
        var record = store.Current.Find("OpaqueRef:vm")!;
        record.Text("uuid").Should().Be("vm");
        computed.Should().Be(0);
        record.Struct["allowed_operations"].Should().Be(XenArray.Of(["start"]));
        record.Set("allowed_operations").Should().Equal("start");
        store.Commit(unit => unit.Set("OpaqueRef:vm", "name_label", "n"));
        store.Current.Find("OpaqueRef:vm")!.Set("allowed_operations").Should().Equal("start");
        computed.Should().Be(1);
    }

    [Fact]
    public void Metrics_of_devices_are_there_after_a_restart_under_the_same_reference()
    {
        using (var store = Open())
        {
            store.Commit(unit =>
            {
                unit.Insert(Model.Class("VBD_metrics"), "OpaqueRef:m", [("uuid", "m")]);
                unit.Insert(Model.Class("VBD"), "OpaqueRef:vbd", [("uuid", "vbd"), ("metrics", "OpaqueRef:m")]);
            });
        }

        using var again = Open();
        again.Current.Find("OpaqueRef:m")!.Uuid.Should().HaveLength(36);
    }

    [Fact]
    public void Facts_are_stored_with_their_commit()
    {
        using (var store = Open())
        {
            store.Fact("colour").Should().BeNull();
            store.Commit(unit => unit.SetFact("colour", "red"));
            store.Commit(unit => unit.SetFact("colour", "green"));
            var failing = () => store.Commit(unit =>
            {
                unit.SetFact("colour", "blue");
                throw new InvalidOperationException();
            });
            failing.Should().Throw<InvalidOperationException>();
        }

        using var again = Open();
        again.Fact("colour").Should().Be("green");
    }

    public void Dispose() => _directory.Dispose();

    private RecordStore Open() => RecordStore.OpenAsync(_directory.File("store.db"), Model).GetAwaiter().GetResult();

    private static XenValue Odd(XenType type) => type switch
    {
        StringType => "\"<ü\\\n>\" \u0001",
        IntType => long.MinValue,
        FloatType => 1.5,
        BoolType => true,
        DateTimeType => XenDate.Format(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)),
        EnumType { Members: [.., var last] } => last,
        RefType => "OpaqueRef:x",
        SetType set => new XenArray([Odd(set.Item)]),
        MapType map => XenStruct.Of((Odd(map.Key).ToString()!, Odd(map.Item))),
        _ => type.Empty,
    };
}
