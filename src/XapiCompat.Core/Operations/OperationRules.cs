using System.Collections.Frozen;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Operations;

/// <summary>The rules of one class: a pure function of the records, for the published list and for the calls alike.</summary>
/// <param name="Allowed">Fills allowed_operations.</param>
/// <param name="Check">Null when an operation may start now. OTHER_OPERATION_IN_PROGRESS means: wait and ask again.</param>
public sealed record OperationRule(Func<IRecords, Record, IEnumerable<string>> Allowed, Func<IRecords, Record, string, XenFailure?>? Check);

/// <summary>Which class follows which rules; a class with rules gets one line here.</summary>
public static class OperationRules
{
    private static readonly FrozenDictionary<string, OperationRule> Rules = new Dictionary<string, OperationRule>(StringComparer.Ordinal)
    {
        ["VM"] = new(VmOperations.Allowed, (records, vm, operation) => VmOperations.Check(records, vm, operation)),
        ["VDI"] = new(VdiOperations.Allowed, VdiOperations.Check),
        ["task"] = new(TaskOperations.Allowed, null),
        ["SR"] = new(SrOperations.Allowed, SrOperations.Check),
        ["VBD"] = new(VbdOperations.Allowed, VbdOperations.Check),
        ["VIF"] = new(VifOperations.Allowed, VifOperations.Check),
        ["VM_appliance"] = new(ApplianceOperations.Allowed, ApplianceOperations.Check),
        ["host"] = new(HostOperations.Allowed, HostOperations.Check),
        ["pool"] = new(PoolOperations.Allowed, PoolOperations.Check),
        ["VUSB"] = new(VusbOperations.Allowed, VusbOperations.Check),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static IEnumerable<string> Classes => Rules.Keys;

    public static OperationRule? Find(string @class) => Rules.GetValueOrDefault(@class);
}
