using Lanyard.Wire;

namespace Lanyard.Tests;

/// <summary>Identities for tests, generated in advance because generating one takes half a second or more.</summary>
internal static class TestIdentities
{
    private static readonly string[] Texts =
    [
        "b1bbf07c1b:0:8300340ff8fd84e63ec2124f3550ad2726f75cb1d6fe4e4f3b9465ca7bf50010"
            + "2823b394247451ca86586c1dc3eacf3551113cbb50ae860330827e563b68f084"
            + ":3165cb4dd8ca8ccca27ea6894cfad35a3eaf6eb4c7ec829c11c48b3b3016c3f4c918ce923785a366b75b81870adb059c72612a62cb5d3ce1f6378f8d7bd978bc",
        "7ea959be54:0:46418f7754846b024b291eb8759f92caaedc83f7f5ecda5b14227cff99072819"
            + "8a4a7d36dea6bb5d4fe5e92362b1a7b2ce0d4794cecadf1aa7a850bbd2438f36"
            + ":948a939fb9d29e471507c8fc6d58bd4b4b00f54739e217823f8a2051911ceea6363bdf129ef43ccd4c3ee7748912e93bf9ad7131d465415755c3b66abb2a9e56",
        "dbe5bba197:0:fb6161607946aceb82994d687eba7be98a9770ec0599d052856e932722658851"
            + "550efd9f06fd96fd162ca01a48b838adebc4707efcb66106745a337e8c40a604"
            + ":23532894425d9c695155d90ecde10d63e67b67876217a2ac15f6960f040542383d0c21921c9d184b9f5fd25499c619ed26fb71a82159920b53c12fdccd515a63",
        "217973e9e5:0:1f27f9a86d8746e2a81f9748468bad1403a911981c602f34196e5b6af755001e"
            + "7d3b06d6a366f5ebd37b536ac66e6d984d5c459344995e05e7fdff6bb0627153"
            + ":40288af2865efb3b3e7348be441d61d563ce0fb248160fb6981504a65054758aef7fb498d2389e30ac69dc12fc62b3d4b8bff2ffde13000dec7525181537323b",
        "ce34afa372:0:c59fab0d9b35418c3286cf4aee01404ad91b6662689e28ee46546a5781abfe7b"
            + "a5b8ad82f889e2586e0c1231d4204861ceb00d2fbe8a92a0a9769fb13f2e031c"
            + ":16600cc75060ac7650276be7cf388c43d1bcb104299d0afcb9dd069b6d84f0d85f656f119f0b703bea30aa224a21c404c40fbda66b231f4a7d48135b4bb1e3c8",
        "05bee0ef21:0:27e96122646d4ae810a500425a7dd895316202bead1d6b9a116cd659f1a50050"
            + "b81ebe54276ebc184516cd1c7531ad5a01fff6ba4ee5660214c3cdc08cada14b"
            + ":5bed4ab6bf05c654c50ecf7f7a7b64e63adbf2fc6d964dd1368531d921b2f3763936e3332e184e4dd81c2ef8a2f4de0ecacdfd6a31bef8aca2178737ca177916",
    ];

    /// <summary>An identity of its own each time, as a node may dispose of its.</summary>
    public static Identity Get(int index) => Identity.Parse(Texts[index]);
}
