using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Known callers in groups, and limits on how often they may call: settings only, nobody is slowed down.</summary>
public sealed class CallerHandlers(RecordStore store)
{
    [XenMessage("Caller.add_group")]
    public void AddGroup(CallContext context, Ref self, string group) => SetGroups(self, groups => groups.Append(group));

    [XenMessage("Caller.remove_group")]
    public void RemoveGroup(CallContext context, Ref self, string group) => SetGroups(self, groups => groups.Where(g => g != group));

    [XenMessage("Rate_limit.add_caller")]
    public void AddCaller(CallContext context, Ref self, Ref caller) => store.Commit(unit =>
    {
        unit.Get("Rate_limit", self);
        unit.Set(unit.Get("Caller", caller).Reference, "rate_limit", self.Text);
    });

    [XenMessage("Rate_limit.remove_caller")]
    public void RemoveCaller(CallContext context, Ref self, Ref caller) => store.Commit(unit =>
    {
        unit.Get("Rate_limit", self);
        if (unit.Get("Caller", caller).Target("rate_limit") == self.Text)
            unit.Set(caller.Text, "rate_limit", Ref.Null.Text);
    });

    [XenMessage("Rate_limit.set_burst_size")]
    public void SetBurstSize(CallContext context, Ref self, double value) => SetRate(self, "burst_size", value);

    [XenMessage("Rate_limit.set_fill_rate")]
    public void SetFillRate(CallContext context, Ref self, double value) => SetRate(self, "fill_rate", value);

    private void SetRate(Ref self, string field, double value) => store.Commit(unit =>
    {
        unit.Get("Rate_limit", self);
        if (!(value > 0) || double.IsInfinity(value))
            throw new XenException("INVALID_VALUE", field, value.ToString(System.Globalization.CultureInfo.InvariantCulture));
        unit.Set(self.Text, field, value);
    });

    private void SetGroups(Ref self, Func<IEnumerable<string>, IEnumerable<string>> change) => store.Commit(unit =>
        unit.Set(self.Text, "groups", Storable.Clean(XenArray.Of(change(unit.Get("Caller", self).Set("groups")).Distinct()))));
}
