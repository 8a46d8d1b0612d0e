using XapiCompat.Datamodel;
using XapiCompat.Values;
using XapiCompat.XeCli.Arguments;
using XapiCompat.XeCli.Selecting;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Records;

/// <summary>Writes fields of one object, with the messages that its table names.</summary>
internal sealed class FieldWriter(LiveRecord record)
{
    private static readonly string[] SchedulerKeys = ["weight", "cap", "mask"];

    /// <summary>Applies assignments in order; those to a map that is written as a whole come last, together.</summary>
    public async Task SetAsync(IEnumerable<KeyValuePair<string, string>> assignments)
    {
        var wholes = new Dictionary<RecordField, List<KeyValuePair<string, string>>>();
        foreach (var (name, value) in assignments)
        {
            var (field, key) = FieldName.Split(record.Table, name);
            if (field.Kind == FieldKind.Set && key is not null)
                throw new XeException("Cannot set a single member of the set '" + field.Name + "': use param-add and param-remove");
            if (key is null)
                await SetScalarAsync(field, value);
            else if (field.Can("set_map"))
                (wholes.TryGetValue(field, out var pairs) ? pairs : wholes[field] = []).Add(new(key, value));
            else
                await SetPairAsync(field, key, value);
        }

        foreach (var (field, pairs) in wholes)
            await CallAsync(field.Writer("set_map")!, XenStruct.Of(pairs));
    }

    public async Task AddAsync(string name, string? key, IEnumerable<KeyValuePair<string, string>> pairs)
    {
        var field = record.Lookup(name);
        if (field.Can("add_to_set"))
            await ChangeSetAsync(field, key ?? throw new XeException("Adding to a set takes param-name=<name> param-key=<member>"), add: true);
        else if (field.Can("add_to_map"))
            foreach (var (pair, value) in pairs)
                await AddPairAsync(field, pair, value);
        else
            throw new XeException(field.Kind == FieldKind.Scalar ? "Can only add to sets and maps" : "Field '" + name + "' is read-only");
    }

    public async Task RemoveAsync(string name, string key)
    {
        var field = record.Lookup(name);
        var present = await record.ReadAsync(field);
        if (field.Kind == FieldKind.Set && field.Can("remove_from_set"))
            await (present.Items.Contains(key) ? ChangeSetAsync(field, key, add: false) : throw new XeException("Key " + key + " is not in the set"));
        else if (field.Kind == FieldKind.Map && field.Can("remove_from_map"))
            await (present.Pairs.Any(p => p.Key == key) ? RemovePairAsync(field, key) : throw new XeException("Key " + key + " is not in map"));
        else
            throw new XeException(field.Kind == FieldKind.Scalar ? "Can only remove from sets and maps" : "Field '" + name + "' is read-only");
    }

    public async Task ClearAsync(string name)
    {
        var field = record.Lookup(name);
        var present = await record.ReadAsync(field);
        if (field.Kind == FieldKind.Set && field.Can("remove_from_set"))
            foreach (var member in present.Items)
                await ChangeSetAsync(field, member, add: false);
        else if ((field.Writer("clear_map") ?? field.Writer("set_map")) is { } whole)
            await CallAsync(whole, XenStruct.Empty);
        else if (field.Kind == FieldKind.Map && field.Can("remove_from_map"))
            foreach (var (key, _) in present.Pairs)
                await RemovePairAsync(field, key);
        else if (field.Can("set"))
            await ClearScalarAsync(field);
        else
            throw new XeException("Can only clear fields that can be written");
    }

    private async Task SetScalarAsync(RecordField field, string text)
    {
        if (field.Writer("set") is not { } message)
        {
            throw new XeException(field.Can("add_to_map") || field.Can("set_in_map") || field.Can("set_map")
                ? "Field '" + field.Name + "' has keys: set them with " + field.Name + ":key=value"
                : "Field '" + field.Name + "' is read-only");
        }

        await CallAsync(message, await ValueAsync(field, message.Parameters[^1].Type, text));
    }

    private async Task ClearScalarAsync(RecordField field)
    {
        try
        {
            await SetScalarAsync(field, "");
        }
        catch (Exception e) when (e is XenException or XeException)
        {
            throw new XeException("Cannot clear field '" + field.Name + "'");
        }
    }

    private async Task SetPairAsync(RecordField field, string key, string value)
    {
        if (field.Writer("set_in_map") is { } message)
        {
            await CallAsync(message, key, value);
            return;
        }

        if (!field.Can("add_to_map"))
            throw new XeException("Field '" + field.Name + "' is read-only");
        if ((await record.ReadAsync(field)).Pairs.Any(p => p.Key == key))
            await RemovePairAsync(field, key);
        await AddPairAsync(field, key, value);
    }

    private async Task AddPairAsync(RecordField field, string key, string value)
    {
        if (field is { Api: "VCPUs_params" } && !SchedulerKeys.Contains(key))
            throw new XeException("Field '" + field.Name + "' has no key '" + key + "', only " + string.Join(", ", SchedulerKeys));
        var message = field.Writer("add_to_map")!;
        if (IsWhole(message))
            await RewriteMapAsync(message, map => map.Without(key).With(key, value));
        else
            await CallAsync(message, Key(field, message, key), value);
    }

    private async Task RemovePairAsync(RecordField field, string key)
    {
        var message = field.Writer("remove_from_map")!;
        if (IsWhole(message))
            await RewriteMapAsync(message, map => map.Without(key));
        else
            await CallAsync(message, Key(field, message, key));
    }

    /// <summary>Classes without messages for single members are read, changed and written.</summary>
    private async Task ChangeSetAsync(RecordField field, string text, bool add)
    {
        var message = field.Writer(add ? "add_to_set" : "remove_from_set")!;
        var type = message.Parameters[^1].Type;
        if (type is SetType set)
        {
            var member = await ValueAsync(field, set.Item, text);
            var current = (XenArray)await record.Api.CallAsync(Getter(message), record.Reference);
            var rest = current.Items.Where(i => !i.Equals(member));
            await CallAsync(message, new XenArray(add ? [.. rest, member] : [.. rest]));
        }
        else
        {
            await CallAsync(message, await ValueAsync(field, type, text));
        }
    }

    private static bool IsWhole(MessageDef message) => message.Parameters[^1].Type is MapType;

    private async Task RewriteMapAsync(MessageDef setter, Func<XenStruct, XenStruct> change) =>
        await CallAsync(setter, change((XenStruct)await record.Api.CallAsync(Getter(setter), record.Reference)));

    private static string Getter(MessageDef setter) => setter.Class.Name + ".get_" + setter.Name["set_".Length..];

    private static XenValue Key(RecordField field, MessageDef message, string key) =>
        message.Parameters[1].Type is EnumType type
            ? EnumTexts.Parse(field.Enum, key, type.Members) ?? throw new XenException("INVALID_VALUE", field.Name, key)
            : key;

    /// <summary>Memory is the only size among the fields that can be written.</summary>
    private static bool IsSize(RecordField field) => field.Name.StartsWith("memory-", StringComparison.Ordinal);

    private async Task<XenValue> ValueAsync(RecordField field, XenType type, string text)
    {
        switch (type)
        {
            case BoolType:
                return XeUnits.Flag(field.Name, text);
            case IntType:
                return IsSize(field) ? XeUnits.Size(field.Name, text) : XeUnits.Whole(field.Name, text);
            case FloatType:
                return XeUnits.Fraction(field.Name, text);
            case EnumType members:
                return EnumTexts.Parse(field.Enum, text, members.Members)
                    ?? throw new XeException("Field '" + field.Name + "' takes one of " + string.Join(", ", members.Members.Select(m => EnumTexts.Print(field.Enum ?? "", m))) + ", not '" + text + "'");
            case RefType target:
                return text.Length == 0 ? Ref.Null.Text : await record.Api.ByUuidAsync(target.Class, text);
            case SetType set:
                var items = new List<XenValue>();
                foreach (var item in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
                    items.Add(await ValueAsync(field, set.Item, item));
                return new XenArray(items);
            default:
                return text;
        }
    }

    private Task<XenValue> CallAsync(MessageDef message, params IEnumerable<XenValue> arguments) =>
        record.Api.CallAsync(message.FullName, [record.Reference, .. arguments]);
}
