namespace Lanyard.Fuzz;

/// <summary>Nodes and controllers that receive a sequence of messages.</summary>
internal static class SequenceTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("engine-leaf", static input => NodeStory.Run(input, NodeRole.Leaf), NodeStorySeeds.Leaf) { MaxInputBytes = 2_048 },
        new("engine-root", static input => NodeStory.Run(input, NodeRole.Root), NodeStorySeeds.Root) { MaxInputBytes = 2_048 },
        new("engine-controller", static input => NodeStory.Run(input, NodeRole.Controller), NodeStorySeeds.Controller) { MaxInputBytes = 2_048 },
        new("controller", ControllerStory.Run, ControllerStory.Seeds) { MaxInputBytes = 2_048 },
    ];
}
