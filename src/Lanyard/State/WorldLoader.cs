using Lanyard.Wire;
using Microsoft.Extensions.Logging;

namespace Lanyard;

/// <summary>Checks the stored worlds before the engine loads them. A damaged world stays in place, the log names it, and the node starts with the others.</summary>
internal static class WorldLoader
{
    /// <summary>Stores the planet of the options if the stored planet is missing, older, or a different one.</summary>
    public static void KeepPlanet(LanyardOptions options, ILanyardStore store, ILogger logger)
    {
        World? kept = null;
        if (TryLoad(store, StateNames.Planet, logger) is { } bytes && (!World.TryParse(bytes, out kept) || kept.Type != WorldType.Planet))
        {
            kept = null;
            Log.WorldLeft(logger, IdentityLoader.PathOf(store, StateNames.Planet), "The file is not a planet.");
        }

        if (options.Planet is { } given && (kept is null || kept.Id != given.Id || kept.Timestamp < given.Timestamp))
            store.Save(StateNames.Planet, given.ToArray());
        else if (kept is null)
            Log.NoPlanet(logger);
    }

    /// <summary>Returns the IDs of the stored moons.</summary>
    public static IReadOnlyList<ulong> FindMoons(ILanyardStore store, ILogger logger)
    {
        var moons = new List<ulong>();
        foreach (var name in store.List(StateNames.MoonFolder))
        {
            if (!StateNames.TryParseMoon(name, out var id))
                Log.WorldLeft(logger, IdentityLoader.PathOf(store, name), "The name is not 16 hexadecimal digits and '.moon'.");
            else if (TryLoad(store, name, logger) is not { } bytes)
                continue;
            else if (!World.TryParse(bytes, out var moon) || moon.Type != WorldType.Moon || moon.Id != id)
                Log.WorldLeft(logger, IdentityLoader.PathOf(store, name), $"The file is not moon {id:x10}.");
            else
                moons.Add(id);
        }

        return moons;
    }

    private static byte[]? TryLoad(ILanyardStore store, string name, ILogger logger)
    {
        try
        {
            return store.Load(name);
        }
        catch (LanyardException e)
        {
            Log.WorldLeft(logger, IdentityLoader.PathOf(store, name), e.Message);
            return null;
        }
    }
}
