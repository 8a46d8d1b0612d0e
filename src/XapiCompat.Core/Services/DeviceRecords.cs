using XapiCompat.Store;

namespace XapiCompat.Core.Services;

/// <summary>Devices go together with their metrics.</summary>
public static class DeviceRecords
{
    public static void DeleteVbd(UnitOfWork unit, Record vbd) => DeleteWithMetrics(unit, vbd);

    public static void DeleteVif(UnitOfWork unit, Record vif) => DeleteWithMetrics(unit, vif);

    private static void DeleteWithMetrics(UnitOfWork unit, Record device)
    {
        unit.Delete(device.Target("metrics"));
        unit.Delete(device.Reference);
    }
}
