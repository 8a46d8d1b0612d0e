using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Operations;

/// <summary>Which operations an appliance allows: one at a time, and only where it would change something.</summary>
public static class ApplianceOperations
{
    private static readonly string[] All = ["start", "clean_shutdown", "hard_shutdown", "shutdown"];

    public static IEnumerable<string> Allowed(IRecords records, Record appliance) => All.Where(o => Check(records, appliance, o) is null);

    public static XenFailure? Check(IRecords records, Record appliance, string operation)
    {
        var current = appliance.Map("current_operations");
        if (current.Count > 0)
            return new("OTHER_OPERATION_IN_PROGRESS", "VM_appliance", appliance.Reference, current.Values[0].ToString()!, current.Names[0]);
        var states = appliance.Set("VMs").Select(records.Find).OfType<Record>().Select(v => v.Text("power_state")).ToList();
        if (states.Count == 0)
            return new("OPERATION_NOT_ALLOWED", "the appliance is empty");
        return operation switch
        {
            "start" when !states.Contains("Halted") => new("OPERATION_NOT_ALLOWED", "no VM of the appliance is halted"),
            "clean_shutdown" when !states.Contains("Running") => new("OPERATION_NOT_ALLOWED", "no VM of the appliance runs"),
            "hard_shutdown" or "shutdown" when states.TrueForAll(s => s == "Halted") => new("OPERATION_NOT_ALLOWED", "all VMs of the appliance are halted"),
            _ => null,
        };
    }
}
