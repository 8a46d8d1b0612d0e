using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Queries;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Roles and what they allow. A permission is a role without subroles and contains itself alone.</summary>
public sealed class RoleHandlers(RecordStore store)
{
    [XenMessage("role.get_permissions")]
    public XenArray Permissions(CallContext context, Ref self) => XenArray.Of(Leaves(store.Current, store.Current.Get("role", self)).Select(r => r.Reference));

    [XenMessage("role.get_permissions_name_label")]
    public XenArray PermissionNames(CallContext context, Ref self) => XenArray.Of(Leaves(store.Current, store.Current.Get("role", self)).Select(r => r.Text("name_label")));

    [XenMessage("role.get_by_permission")]
    public XenArray ByPermission(CallContext context, Ref permission) => With(permission.Text);

    [XenMessage("role.get_by_permission_name_label")]
    public XenArray ByPermissionName(CallContext context, string label) =>
        store.Current.All(store.Model.Class("role")).FirstOrDefault(r => r.Text("name_label") == label) is { } permission ? With(permission.Reference) : XenArray.Empty;

    [XenMessage("role.get_all_where")]
    public XenArray AllWhere(CallContext context, string expression) => XenArray.Of(Where(expression).Select(r => r.Reference));

    [XenMessage("role.get_all_records_where")]
    public XenStruct AllRecordsWhere(CallContext context, string expression)
    {
        var records = Where(expression);
        return new([.. records.Select(r => r.Reference)], [.. records.Select(r => r.Struct)]);
    }

    /// <summary>Two texts outside the language of queries tell roles from permissions.</summary>
    private List<Record> Where(string expression)
    {
        Func<Record, bool> test = expression switch
        {
            "subroles<>[]" => r => ((XenArray)r["subroles"]).Items.Count > 0,
            "subroles=[]" => r => ((XenArray)r["subroles"]).Items.Count == 0,
            _ => QueryExpression.Parse(expression).Matches,
        };
        return [.. store.Current.All(store.Model.Class("role")).Where(test)];
    }

    /// <summary>The permissions of a role, each once.</summary>
    internal static IEnumerable<Record> Leaves(IRecords records, Record role)
    {
        if (((XenArray)role["subroles"]).Items.Count == 0)
            return [role];
        return role.Set("subroles").Select(records.Find).OfType<Record>().SelectMany(r => Leaves(records, r)).DistinctBy(r => r.Reference);
    }

    private XenArray With(string permission) => XenArray.Of(
        store.Current.All(store.Model.Class("role"))
            .Where(r => r.Set("subroles").Contains(permission))
            .Select(r => r.Reference)
            .Order(StringComparer.Ordinal));
}
