using Lanyard.Wire;
using Microsoft.Extensions.Logging;

namespace Lanyard;

/// <summary>Looks at the worlds that are kept before the engine takes them: one that is damaged is not passed over in silence.</summary>
internal static class WorldLoader
{
    /// <summary>Puts the planet of the options in the place of the kept one where that is missing, older, or another.</summary>
    /// <exception cref="LanyardStateException">What is kept is no planet.</exception>
    public static void KeepPlanet(LanyardOptions options, ILanyardStore store, ILogger logger)
    {
        World? kept = null;
        if (store.Load(StateNames.Planet) is { } bytes && (!World.TryParse(bytes, out kept) || kept.Type != WorldType.Planet))
        {
            var path = IdentityLoader.PathOf(store, StateNames.Planet);
            throw new LanyardStateException(path, $"'{path}' is not a planet. Put the file that your network's operator gives out there, "
                + "or remove it.");
        }

        if (options.Planet is { } given && (kept is null || kept.Id != given.Id || kept.Timestamp < given.Timestamp))
            store.Save(StateNames.Planet, given.ToArray());
        else if (kept is null)
            Log.NoPlanet(logger);
    }

    /// <summary>The moons that are kept.</summary>
    /// <exception cref="LanyardStateException">One is no moon.</exception>
    public static IReadOnlyList<ulong> FindMoons(ILanyardStore store)
    {
        var moons = new List<ulong>();
        foreach (var name in store.List(StateNames.MoonFolder))
        {
            if (!StateNames.TryParseMoon(name, out var id))
                continue;
            if (!World.TryParse(store.Load(name), out var moon) || moon.Type != WorldType.Moon || moon.Id != id)
            {
                var path = IdentityLoader.PathOf(store, name);
                throw new LanyardStateException(path, $"'{path}' is not moon {id:x10}. Put the right file there, or remove it.");
            }

            moons.Add(id);
        }

        return moons;
    }
}
